"""List the contents of .keras archives and HDF5 weight files as plain zip, JSON and HDF5, without building layers."""

import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from dlkit.safety.files import UnreadableError, open_zip, refuse, zip_problems
from dlkit.safety.h5 import H5Contents, h5_contents

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
EXPECTED = ("metadata.json", CONFIG, WEIGHTS)
TRUSTED_PACKAGES = ("keras", "dlkit", "builtins")
# A configuration can name any class or function of Keras, including those that download or load files. Only these
# modules contain nothing but parts of a model.
_NAMED = ("activations", "constraints", "dtype_policies", "initializers", "layers", "losses", "metrics", "ops")
PARTS = frozenset((*_NAMED, "optimizers", "optimizers.schedules", "quantizers", "regularizers"))
MODELS = ("Functional", "Model", "Sequential")
TOP_LEVEL = (*MODELS, "DTypePolicy", "FloatDTypePolicy", "KerasTensor", "QuantizedDTypePolicy", "Variable")
# Functions in those modules that create objects from a configuration.
CREATORS = ("get", "deserialize", "serialize")
# Settings of layers that may name a file to read instead of containing its words.
FILE_SETTINGS = ("vocabulary", "idf_weights")
PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".marshal", ".py", ".pyc", ".so", ".dll")
# Class names in a configuration that stand for code rather than data.
CODE_CLASSES = ("Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer", "FlaxLayer", "JaxLayer")


@dataclass(frozen=True)
class KerasContents:
    """Members with sizes in bytes, layer classes with counts, arrays with shapes, and problems.

    foreign: classes from neither Keras nor dlkit, which are harmless as long as the configuration is not loaded.
    """

    members: dict[str, int] = field(default_factory=dict)
    layers: Counter[str] = field(default_factory=Counter)
    arrays: dict[str, list[int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    @property
    def parameters(self) -> int:
        """Return the number of values in the model's weights, excluding the optimizer."""
        own = {name: shape for name, shape in self.arrays.items() if not name.startswith("/optimizer")}
        return sum(prod(shape) for name, shape in own.items() if "seed_generator" not in name)


def keras_contents(path: Path) -> KerasContents:
    """Return the contents of a .keras archive; raise InputError when it is unreadable."""
    contents = KerasContents(problems=zip_problems(path))
    with open_zip(path) as archive:
        contents.members.update({member.filename: member.file_size for member in archive.infolist()})
        contents.problems.extend(_member_problems(contents.members))
        if contents.problems:
            return contents  # nothing is unpacked from a malicious archive
        missing = [name for name in (CONFIG, WEIGHTS) if name not in contents.members]
        if missing:
            message = f"{path} is not a Keras file: it lacks {' and '.join(missing)}"
            raise UnreadableError(message, "the file is damaged")
        config = archive.read(CONFIG)
        weights = archive.read(WEIGHTS)
    _read_config(config, f"{path}: {CONFIG}", contents)
    _add_weights(h5_contents(io.BytesIO(weights), f"{path}: {WEIGHTS}"), contents)
    return contents


def h5_file_contents(path: Path) -> KerasContents:
    """Return the contents of an .h5 or .weights.h5 file; raise InputError when it is unreadable."""
    contents = KerasContents()
    found = h5_contents(path, str(path))
    _add_weights(found, contents)
    for name, text in found.texts.items():
        if name == "@model_config":
            _read_config(text.encode(), f"{path}: model_config", contents)
    return contents


def check_keras(path: Path) -> None:
    """Raise InputError for a malicious checkpoint; foreign classes are allowed, as only the weights will be loaded."""
    contents = keras_contents(path)
    refuse(path, contents.problems)


def _add_weights(found: H5Contents, contents: KerasContents) -> None:
    contents.arrays.update(found.datasets)
    contents.problems.extend(f"weights: {problem}" for problem in found.problems)


def _member_problems(members: dict[str, int]) -> Iterator[str]:
    for name in members:
        if name.lower().endswith(PICKLES):
            yield f"member {name!r} is code or a pickle"
        elif name not in EXPECTED and not name.startswith("assets/"):
            yield f"member {name!r} is not one that Keras writes"


def _read_config(text: bytes, name: str, contents: KerasContents) -> None:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"{name} is not valid JSON: {error}", "the file is damaged") from error
    for part in _mappings(config):
        contents.problems.extend(_file_problems(part))
        if isinstance(part.get("class_name"), str):
            _note_layer(part, contents)
            contents.problems.extend(_class_problems(part))
            contents.foreign.extend(_foreign_classes(part))


def _mappings(config: Any) -> Iterator[dict[str, Any]]:
    """Yield all mappings of a configuration at any depth."""
    waiting = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _note_layer(part: dict[str, Any], contents: KerasContents) -> None:
    """Count a layer; in older files without modules, any class whose config has a name is a layer."""
    name, module, config = part["class_name"], part.get("module"), part.get("config")
    if isinstance(module, str) and (".layers" in module or module.split(".")[0] not in TRUSTED_PACKAGES):
        contents.layers[f"{module}.{name}"] += 1
    elif module is None and isinstance(config, dict) and "name" in config:
        contents.layers[name] += 1


def _class_problems(part: dict[str, Any]) -> Iterator[str]:
    """Yield problems of a class that contains code, or of a class or function that is not part of a model."""
    name, module = part["class_name"], part.get("module")
    if name in CODE_CLASSES:
        yield f"{name} contains code"
    if not isinstance(module, str) or module.split(".")[0] not in TRUSTED_PACKAGES:
        return
    if name == "function" and not _is_model_function(module, part.get("config")):
        yield f"{name} refers to {module}.{part.get('config')}, which is not part of a model"
    elif name != "function" and not _is_model_class(module, name):
        yield f"{name} of {module} is not part of a model"


def _file_problems(part: dict[str, Any]) -> Iterator[str]:
    for key in FILE_SETTINGS:
        if isinstance(part.get(key), str):
            yield f"{key} names the file {part[key]}"


def _is_model_class(module: str, name: str) -> bool:
    if not re.fullmatch(r"[A-Z]\w*", name):
        return False
    if module in ("keras", "keras.models"):
        return name in (TOP_LEVEL if module == "keras" else MODELS)
    return module.startswith(("dlkit.", "keras.src.models.")) or _holds_parts(module)


def _is_model_function(module: str, name: Any) -> bool:
    known = isinstance(name, str) and name.isidentifier() and name not in CREATORS
    return known and (module == "builtins" or _holds_parts(module))


def _holds_parts(module: str) -> bool:
    """Return whether a module of Keras, public or internal, contains nothing but parts of a model."""
    path = module.removeprefix("keras.").removeprefix("src.")
    return path in PARTS or (module.startswith("keras.src.") and path.split(".")[0] in PARTS)


def _foreign_classes(part: dict[str, Any]) -> Iterator[str]:
    name, module, registered = part["class_name"], part.get("module"), part.get("registered_name")
    if isinstance(module, str) and module.split(".")[0] not in TRUSTED_PACKAGES:
        yield f"{name} comes from the module {module}"
    elif ">" in str(registered) and not str(registered).startswith("dlkit>"):
        yield f"{name} is a custom registered class, {registered}"
