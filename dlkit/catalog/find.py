"""Find components by file name and read their settings without importing them.

A component is what a recipe names: a dlkit file (`dlkit/components/models/sequential.py` is the model `sequential`) or
a public Keras class (`Dense`). In a file the component is the object that bears the file's name: the function
`sequential`, or the class `Sequential` in CamelCase. Its settings are its keyword-only parameters, or the fields of a
`@dataclass(kw_only=True)`; what stands before `*` comes from the program.

Two kinds of folders add to dlkit's own, laid out like them (ROOT/models/tower.py): installed packages that declare an
entry point of the group `dlkit.components`, and the folder that `--components DIR` names. Their files are programs.
"""

from functools import cache
from pathlib import Path
from typing import Any

from dlkit.catalog.kinds import INTERNAL, NAMESPACES, NEED_CODE, REFUSED
from dlkit.catalog.roots import Root, roots
from dlkit.catalog.signatures import (
    ClassSource,
    first_sentence,
    keras_aliases,
    keras_class,
    keras_exports,
    public_files,
)
from dlkit.errors import InputError, closest
from dlkit.process import COMPONENTS, set_variable

_SERIALISATION = {"get", "serialize", "deserialize"}


def use_folder(folder: Path) -> None:
    """Add a user's own component folders for this process and its children; InputError when it holds none."""
    known = {space.folder: namespace for namespace, space in NAMESPACES.items()}
    found = {path: known[path.name] for path in sorted(folder.glob("*/")) if path.name in known}
    if not found:
        raise InputError(
            f"{folder} holds no component folders",
            f"put components into {folder}/models and the like; known: {', '.join(sorted(known))}",
        )
    set_variable(COMPONENTS, None)
    for path, namespace in found.items():
        taken = [file for file in public_files(path) if _name(namespace, file) in names(namespace)]
        if taken:
            raise InputError(f"{taken[0]} has the name of an existing {namespace}", "rename the file")
    set_variable(COMPONENTS, str(folder.resolve()))
    source.cache_clear()


def names(namespace: str) -> list[str]:
    """Return the names that a recipe may write in a namespace, sorted."""
    return sorted({*_files(namespace), *_keras_names(namespace)})


def own_names(namespace: str) -> list[str]:
    """Return the names that are not Keras' own."""
    return sorted(_files(namespace))


def description(namespace: str, name: str) -> str:
    """Return the first sentence of a component's docstring."""
    return first_sentence(source(namespace, name).docstring)


@cache
def identifiers(namespace: str) -> list[str]:
    """Return the words that Keras itself takes in place of a component, such as glorot_uniform, l2 or mse."""
    module = NAMESPACES[namespace].keras_module
    functions = {name for name in keras_exports(module) if name[:1].islower()} - _SERIALISATION
    return sorted(functions | {_snake(name) for name in _keras_names(namespace)} | keras_aliases(module))


def activations() -> list[str]:
    """Return the names of Keras' activation functions."""
    return sorted(name for name in keras_exports("keras.activations") if name not in _SERIALISATION)


@cache
def source(namespace: str, name: str) -> ClassSource:
    """Return what a component's source says of its settings; KeyError when there is no such component."""
    files = _files(namespace)
    if name in files:
        stem = files[name][1].stem
        return ClassSource.from_file(files[name][1], (_camel(stem), stem))
    if name in _keras_names(namespace):
        return keras_class(NAMESPACES[namespace].keras_module, name)
    raise KeyError(name)


def load(namespace: str, name: str) -> Any:
    """Import a component; InputError with the nearest names when there is none."""
    files = _files(namespace)
    if name in files:
        root, path = files[name]
        module = root.module(NAMESPACES[namespace].folder, path)
        return getattr(module, path.stem, None) or getattr(module, _camel(path.stem))
    if name not in _keras_names(namespace):
        raise InputError(f"unknown {namespace} {name!r}", closest(name, names(namespace)))
    from importlib import import_module

    return getattr(import_module(NAMESPACES[namespace].keras_module), name)


def _files(namespace: str) -> dict[str, tuple[Root, Path]]:
    """Return the root and the file of every component of a namespace that is not Keras' own, by name."""
    folder = NAMESPACES[namespace].folder
    found: dict[str, tuple[Root, Path]] = {}
    for root in roots():
        for path in public_files(root.folder / folder):
            name = _name(namespace, path)
            if name in found:
                raise InputError(f"{path} has the name of an existing {namespace}", "rename the file")
            found[name] = (root, path)
    return found


def _name(namespace: str, path: Path) -> str:
    """Return what a recipe writes for a component's file."""
    return _camel(path.stem) if NAMESPACES[namespace].by_class else path.stem


@cache
def _keras_names(namespace: str) -> frozenset[str]:
    """Return the public concrete classes of a Keras module, each under all of its names."""
    space = NAMESPACES[namespace]
    if not space.keras_module:
        return frozenset()
    exported = keras_exports(space.keras_module)
    left_out = {space.base, *REFUSED} | INTERNAL | NEED_CODE
    return frozenset(name for name in exported if name[:1].isupper() and name not in left_out)


def _camel(stem: str) -> str:
    return "".join(part.capitalize() for part in stem.split("_"))


def _snake(name: str) -> str:
    """Apply Keras' own rule for identifiers: GlorotUniform becomes glorot_uniform, L2 becomes l2."""
    out = ""
    for index, letter in enumerate(name):
        starts_word = (
            letter.isupper() and index and (name[index - 1].islower() or name[index + 1 : index + 2].islower())
        )
        out += ("_" if starts_word else "") + letter.lower()
    return out
