"""What .keras archives and HDF5 weight files hold, read as plain zip, JSON and HDF5: no layer is ever built."""

import io
import json
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
# Parts of Keras that read, write and download: a configuration could call their functions.
ACTING_MODULES = ("keras.utils", "keras.src.utils", "keras.saving", "keras.src.saving", "keras.src.export")
PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".marshal", ".py", ".pyc", ".so", ".dll")
# Words in a configuration that name code rather than data.
CODE_CLASSES = ("Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer", "FlaxLayer", "JaxLayer")


@dataclass(frozen=True)
class KerasContents:
    """Members with sizes in bytes, layer classes with counts, arrays with shapes, and what is dangerous in them.

    `foreign` holds classes that are neither Keras' nor dlkit's: no danger as long as the configuration is not read.
    """

    members: dict[str, int] = field(default_factory=dict)
    layers: Counter[str] = field(default_factory=Counter)
    arrays: dict[str, list[int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    @property
    def parameters(self) -> int:
        """The number of values in the model's own weights, without those of its optimizer."""
        own = {name: shape for name, shape in self.arrays.items() if not name.startswith("/optimizer")}
        return sum(prod(shape) for name, shape in own.items() if "seed_generator" not in name)


def keras_contents(path: Path) -> KerasContents:
    """Read a .keras archive; InputError when it is no readable one."""
    contents = KerasContents(problems=zip_problems(path))
    with open_zip(path) as archive:
        contents.members.update({member.filename: member.file_size for member in archive.infolist()})
        contents.problems.extend(_member_problems(contents.members))
        if contents.problems:
            return contents  # nothing is unpacked from an archive that is made to harm
        missing = [name for name in (CONFIG, WEIGHTS) if name not in contents.members]
        if missing:
            raise UnreadableError(f"{path} is no Keras file: it lacks {' and '.join(missing)}", "the file is damaged")
        config = archive.read(CONFIG)
        weights = archive.read(WEIGHTS)
    _read_config(config, f"{path}: {CONFIG}", contents)
    _add_weights(h5_contents(io.BytesIO(weights), f"{path}: {WEIGHTS}"), contents)
    return contents


def h5_file_contents(path: Path) -> KerasContents:
    """Read an .h5 or .weights.h5 file; InputError when it is no readable one."""
    contents = KerasContents()
    found = h5_contents(path, str(path))
    _add_weights(found, contents)
    for name, text in found.texts.items():
        if name == "@model_config":
            _read_config(text.encode(), f"{path}: model_config", contents)
    return contents


def check_keras(path: Path) -> None:
    """Refuse a checkpoint that is made to harm; its weights are read, and its configuration never."""
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
            yield f"member {name!r} is none that Keras writes"


def _read_config(text: bytes, name: str, contents: KerasContents) -> None:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"{name} is no readable JSON: {error}", "the file is damaged") from error
    for part in _mappings(config):
        if isinstance(part.get("class_name"), str):
            _note_layer(part, contents)
            contents.problems.extend(_class_problems(part))
            contents.foreign.extend(_foreign_classes(part))


def _mappings(config: Any) -> Iterator[dict[str, Any]]:
    """All mappings of a configuration at any depth."""
    waiting = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _note_layer(part: dict[str, Any], contents: KerasContents) -> None:
    """Count a layer; older files name no modules, and there a layer is what has a name of its own."""
    name, module, config = part["class_name"], part.get("module"), part.get("config")
    if isinstance(module, str) and (".layers" in module or module.split(".")[0] not in TRUSTED_PACKAGES):
        contents.layers[f"{module}.{name}"] += 1
    elif module is None and isinstance(config, dict) and "name" in config:
        contents.layers[name] += 1


def _class_problems(part: dict[str, Any]) -> Iterator[str]:
    """A class that brings code along, or a function that acts outside the model."""
    name, module = part["class_name"], part.get("module")
    if name in CODE_CLASSES:
        yield f"{name} holds code"
    if isinstance(module, str) and module.startswith(ACTING_MODULES):
        yield f"{name} names {module}.{part.get('config')}, which is no part of a model"


def _foreign_classes(part: dict[str, Any]) -> Iterator[str]:
    name, module, registered = part["class_name"], part.get("module"), part.get("registered_name")
    if isinstance(module, str) and module.split(".")[0] not in TRUSTED_PACKAGES:
        yield f"{name} comes from the module {module}"
    elif not isinstance(module, str) and ">" in str(registered):
        yield f"{name} is a registered class of its maker, {registered}"
