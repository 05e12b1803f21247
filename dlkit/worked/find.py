"""Find the examples: one per file of the folder `examples`, named as on the command line."""

from collections.abc import Callable
from importlib import import_module
from inspect import getdoc, signature
from pathlib import Path
from typing import Any

from dlkit.errors import InputError, closest

Work = Callable[..., Any]


def names() -> list[str]:
    """Return the names of all examples, such as `cross-entropy` of cross_entropy.py."""
    files = Path(__file__).with_name("examples").glob("[!_]*.py")
    return sorted(file.stem.replace("_", "-") for file in files)


def find(name: str) -> Work:
    """Return the function of an example; raise InputError for an unknown name."""
    if name not in names():
        raise InputError(f"unknown example {name!r}", closest(name, names()))
    work: Work = import_module(f"dlkit.worked.examples.{name.replace('-', '_')}").work
    return work


def described(name: str) -> dict[str, Any]:
    """Return what an example shows and its settings with their defaults, as text."""
    from dlkit.worked.numbers import default_text

    work = find(name)
    settings = {key: default_text(item.default) for key, item in signature(work).parameters.items()}
    return {"name": name, "shows": (getdoc(work) or "").splitlines()[0], "settings": settings}
