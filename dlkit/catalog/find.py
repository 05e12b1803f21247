"""Find components by file name and read their settings without importing them.

A component is anything that a recipe names: a dlkit file (`dlkit/components/models/sequential.py` is the model
`sequential`) or a public Keras class (`Dense`). In a file, the component is the object with the same name as the file:
the function `sequential`, or a class, whatever its capitals (`Sequential`; `MLflow` in mlflow.py). Its settings are its
keyword-only parameters, or the fields of a `@dataclass(kw_only=True)`; the program supplies the parameters before `*`.

Two kinds of folders extend dlkit's own and have the same layout (ROOT/models/tower.py): installed packages that declare
an entry point of the group `dlkit.components`, and the folder given with `--components DIR`. Their files are programs.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dlkit.catalog.kinds import INTERNAL, NAMESPACES, NEED_CODE, NEED_PACKAGE, REFUSED
from dlkit.catalog.roots import Root, roots
from dlkit.catalog.signatures import (
    ClassSource,
    class_in,
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
    """Add a user's component folders for this process and its children; raise InputError when there are none."""
    known = {space.folder: namespace for namespace, space in NAMESPACES.items()}
    found = {path: known[path.name] for path in sorted(folder.glob("*/")) if path.name in known}
    if not found and not folder.is_dir():
        raise InputError(f"there is no folder {folder}", "give the folder that contains models/, layers/ and so on")
    if not found:
        above = folder.name in known
        raise InputError(
            f"{folder} contains no component folders",
            f"did you mean {folder.parent}?"
            if above
            else f"put components into folders such as {folder}/models; allowed: {', '.join(sorted(known))}",
        )
    set_variable(COMPONENTS, None)
    for path, namespace in found.items():
        taken = [file for file in public_files(path) if _name(namespace, file) in names(namespace)]
        if taken:
            raise InputError(f"{taken[0]} has the same name as an existing {namespace}", "rename the file")
    set_variable(COMPONENTS, str(folder.resolve()))
    forget()


def forget() -> None:
    """Forget which components there are, because their folders have changed."""
    source.cache_clear()
    _listed.cache_clear()


def names(namespace: str) -> list[str]:
    """Return the component names that a recipe may use in a namespace, sorted."""
    return sorted({*_files(namespace), *_keras_names(namespace)})


def own_names(namespace: str) -> list[str]:
    """Return the component names that do not come from Keras, sorted."""
    return sorted(_files(namespace))


def description(namespace: str, name: str) -> str:
    """Return the first sentence of a component's docstring, and the package that it lacks."""
    package = missing_package(namespace, name)
    needs = f" (needs the package {package}, which is not installed)" if package else ""
    return first_sentence(source(namespace, name).docstring) + needs


def missing_package(namespace: str, name: str) -> str | None:
    """Return what to install for a component whose package is not installed, or None."""
    module, package = NEED_PACKAGE.get((namespace, name), ("", ""))
    return package if module and find_spec(module) is None else None


@cache
def identifiers(namespace: str) -> list[str]:
    """Return the identifiers that Keras accepts instead of a component, such as glorot_uniform, l2 or mse."""
    module = NAMESPACES[namespace].keras_module
    functions = {name for name in keras_exports(module) if name[:1].islower()} - _SERIALISATION
    if namespace == "optimizer":  # Keras knows optimizers by their names in lower case
        return sorted(name.lower() for name in _keras_names(namespace))
    return sorted(functions | {_snake(name) for name in _keras_names(namespace)} | keras_aliases(module).keys())


def class_of(namespace: str, word: str) -> str | None:
    """Return the Keras class that an identifier stands for, such as MeanSquaredError for mse; None if there is none."""
    if word not in identifiers(namespace):
        return None
    target = keras_aliases(NAMESPACES[namespace].keras_module).get(word, word)
    return next((name for name in _keras_names(namespace) if _squashed(name) == _squashed(target)), None)


def _squashed(name: str) -> str:
    return name.replace("_", "").lower()


def activations() -> list[str]:
    """Return the names of Keras' activation functions."""
    return sorted(name for name in keras_exports("keras.activations") if name not in _SERIALISATION)


@cache
def source(namespace: str, name: str) -> ClassSource:
    """Return a component's docstring and settings from its source; raise KeyError when there is no such component."""
    files = _files(namespace)
    if name in files:
        return ClassSource.from_file(files[name][1], (name, _camel(files[name][1].stem), files[name][1].stem))
    if name in _keras_names(namespace):
        return keras_class(NAMESPACES[namespace].keras_module, name)
    raise KeyError(name)


def load(namespace: str, name: str) -> Any:
    """Import a component; raise InputError with the closest names when there is no such component."""
    files = _files(namespace)
    if name in files:
        root, path = files[name]
        module = root.module(NAMESPACES[namespace].folder, path)
        return next(getattr(module, part) for part in (name, path.stem, _camel(path.stem)) if hasattr(module, part))
    if name not in _keras_names(namespace):
        raise InputError(f"unknown {namespace} {name!r}", closest(name, names(namespace)))
    from importlib import import_module

    return getattr(import_module(NAMESPACES[namespace].keras_module), name)


def _files(namespace: str) -> dict[str, tuple[Root, Path]]:
    """Return the root and file of every component of a namespace that is not Keras' own, by name."""
    return _listed(namespace, tuple(roots()))


@cache
def _listed(namespace: str, places: tuple[Root, ...]) -> dict[str, tuple[Root, Path]]:
    """Return the components in these places; a recipe of many layers asks for each of them."""
    folder = NAMESPACES[namespace].folder
    found: dict[str, tuple[Root, Path]] = {}
    for root in places:
        for path in public_files(root.folder / folder):
            name = _name(namespace, path)
            if name in found:
                raise InputError(f"{path} has the same name as an existing {namespace}", "rename the file")
            found[name] = (root, path)
    return found


def _name(namespace: str, path: Path) -> str:
    """Return the name under which a recipe uses a component's file."""
    return class_in(path) or _camel(path.stem) if NAMESPACES[namespace].by_class else path.stem


@cache
def _keras_names(namespace: str) -> frozenset[str]:
    """Return all names of the public concrete classes of a Keras module."""
    space = NAMESPACES[namespace]
    if not space.keras_module:
        return frozenset()
    exported = keras_exports(space.keras_module)
    left_out = {space.base, *REFUSED} | INTERNAL | NEED_CODE
    return frozenset(name for name in exported if name[:1].isupper() and name not in left_out)


def _camel(stem: str) -> str:
    return "".join(part.capitalize() for part in stem.split("_"))


def _snake(name: str) -> str:
    """Convert a class name to a Keras identifier: GlorotUniform becomes glorot_uniform, L2 becomes l2."""
    out = ""
    for index, letter in enumerate(name):
        starts_word = (
            letter.isupper() and index and (name[index - 1].islower() or name[index + 1 : index + 2].islower())
        )
        out += ("_" if starts_word else "") + letter.lower()
    return out
