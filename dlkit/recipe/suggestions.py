"""Suggest what a misplaced key or a component of another kind was meant to be."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import PurePath
from typing import Any, get_args

from pydantic import BaseModel

from dlkit.catalog.find import names, source
from dlkit.catalog.kinds import NAMESPACES, Place
from dlkit.catalog.signatures import REQUIRED
from dlkit.errors import closest

BELONGS = {
    "dataset": "data.source",
    "model": "model",
    "task": "task",
    "augment": "data.augment",
    "corrupt": "data.corrupt",
    "layer": "a model's layers or data.preprocess",
    "loss": "a task's loss",
    "metric": "a task's metrics",
    "optimizer": "training.optimizer",
    "schedule": "an optimizer's learning_rate",
    "callback": "training.callbacks",
    "tracker": "training.trackers",
    "initializer": "a layer's kernel_initializer",
    "regularizer": "a layer's kernel_regularizer",
    "constraint": "a layer's kernel_constraint",
}
# Data sets of TensorFlow Datasets that people name most; its own list takes seconds to import.
_TFDS = (
    *("mnist", "fashion_mnist", "kmnist", "emnist", "cifar10", "cifar100", "svhn_cropped", "imdb_reviews", "titanic"),
    *("oxford_iiit_pet", "oxford_flowers102", "tf_flowers", "cats_vs_dogs", "food101", "eurosat", "iris", "stl10"),
)
_FILES = {".csv": "csv", ".tsv": "csv", ".npz": "arrays"}
_NAMING = ("name", "type", "class_name", "class")
_SYNONYMS = {
    "lr": "learning_rate",
    "num_epochs": "epochs",
    "n_epochs": "epochs",
    "criterion": "loss",
    "class_weight": "class_weights",
}


def unknown_key(word: str, allowed: list[str], recipe: Mapping[str, Any], schema: type[BaseModel]) -> str:
    """Return the hint for an unknown key: its place in this recipe if it has another, else the closest allowed one."""
    hint = closest(word, allowed)
    if "=" in word:
        return f"write {word.replace('=', ': ', 1)}, with a colon and a space"
    if word.isdigit():
        return f"a decimal number has a point, such as 0.{word}; {hint}"
    plain = word.lower().replace("-", "_")
    meant = _SYNONYMS.get(plain, plain)
    places = [place for place in _places(schema, recipe) if place.rpartition(".")[2] == meant]
    if not places or meant in allowed:
        return closest(meant, allowed) if meant in allowed else hint
    nearest = min(places, key=lambda place: (place.startswith("expect."), place.count(".")))
    return f"did you mean {nearest!r}? allowed here: {hint.partition('allowed: ')[2]}"


def _places(model: type[BaseModel], data: Any, prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys of a recipe's sections, then those of the components that it uses."""
    below = data if isinstance(data, Mapping) else {}
    yield from (f"{prefix}{name}" for name in model.model_fields)
    for name, field in model.model_fields.items():
        marks = (mark for part in _parts(field.annotation) for mark in getattr(part, "__metadata__", ()))
        place = next((mark for mark in (*field.metadata, *marks) if isinstance(mark, Place)), None)
        section = next((p for p in _parts(field.annotation) if isinstance(p, type) and issubclass(p, BaseModel)), None)
        if place is not None:
            yield from _settings(place.namespace, below.get(name), f"{prefix}{name}.")
        elif section is not None and "list[" not in str(field.annotation):
            yield from _places(section, below.get(name), f"{prefix}{name}.")


def _parts(annotation: Any) -> list[Any]:
    return [annotation, *(inner for item in get_args(annotation) for inner in _parts(item))]


def _settings(namespace: str, value: Any, prefix: str) -> Iterator[str]:
    name = next(iter(value), None) if isinstance(value, Mapping) else value
    if isinstance(name, str) and name in names(namespace):
        yield from (f"{prefix}{name}.{key}" for key in source(namespace, name).parameters)


def unknown_component(namespace: str, name: str) -> str:
    """Return the hint for the name of a component that does not exist."""
    folder = NAMESPACES[namespace].folder
    hint = closest(name, names(namespace), f"dlkit list {folder}")
    meant = _data(name) if namespace == "dataset" else ""
    if hint.startswith("did you mean") and not meant:
        return hint
    meant = meant or of_another_kind(name, namespace)
    own = f"{hint}; to use your own, pass --components DIR with {folder}/ in it"
    return f"{meant}{' ' if meant.endswith('?') else '; '}allowed: {hint.rpartition('allowed: ')[2]}" if meant else own


def no_settings(namespace: str, name: str, given: Any) -> str:
    """Return how to write a component whose settings are not a mapping, such as {Dense: 32} or {name: Adam}."""
    if name in _NAMING and isinstance(given, str):
        return (_data(given) if namespace == "dataset" else "") or f"write the name itself: {given}"
    if name not in names(namespace):
        return f"for example {{{name}: {{...}}}}"
    required = [key for key, setting in source(namespace, name).parameters.items() if setting.default is REQUIRED]
    shown = given if isinstance(given, str | int | float) else "..."
    return f"did you mean {{{name}: {{{required[0]}: {shown}}}}}?" if required else f"for example {{{name}: {{...}}}}"


def several_keys(namespace: str, value: Mapping[str, Any]) -> str:
    """Return how to write a component that is given as {name: Adam, learning_rate: 0.1}, or nothing."""
    key = next((key for key in _NAMING if isinstance(value.get(key), str)), None)
    if key is None or value[key] not in names(namespace):
        return ""
    settings = ", ".join(f"{name}: {item}" for name, item in value.items() if name != key)
    return f"write {{{value[key]}: {{{settings}}}}}"


def _data(name: str) -> str:
    """Return the source that the name of a data set, a file or a folder was meant to be."""
    plain = name.lower().replace("-", "_")
    near = plain if plain in _TFDS else next(iter(get_close_matches(plain.replace("_", ""), _TFDS, 1, 0.85)), "")
    if near:
        return f"did you mean {{tfds: {{name: {near}}}}}?"
    if form := _FILES.get(PurePath(name).suffix.lower()):
        return f"did you mean {{{form}: {{train: {name}, ...}}}}?"
    return f"did you mean {{image_folder: {{directory: {name}}}}}?" if "/" in name or "\\" in name else ""


def of_another_kind(name: str, namespace: str) -> str:
    """Return where a component of another kind belongs."""
    kinds = [kind for kind in BELONGS if kind != namespace]
    for kind in kinds:
        if name in names(kind):
            return f"{name} is {'an' if kind[0] in 'aeiou' else 'a'} {kind}, which belongs in {BELONGS[kind]}"
    return ""
