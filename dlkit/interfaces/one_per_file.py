"""A folder of modules with one of a kind in each, named by its file: `cross-entropy` of cross_entropy.py."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from dlkit.errors import InputError, closest


def names_in(folder: Path) -> list[str]:
    """Return the names of all of the kind, as on the command line."""
    return sorted(file.stem.replace("_", "-") for file in folder.glob("[!_]*.py"))


def module_of(name: str, folder: Path, package: str, kind: str) -> ModuleType:
    """Return the module of a name; raise InputError for an unknown name. package: the folder's, as imported."""
    known = names_in(folder)
    if name not in known:
        raise InputError(f"unknown {kind} {name!r}", closest(name, known))
    return import_module(f"{package}.{name.replace('-', '_')}")
