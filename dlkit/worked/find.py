"""Find the examples: one per file of the folder `examples`, named as on the command line."""

from collections.abc import Callable
from inspect import getdoc, signature
from pathlib import Path
from typing import Any

from dlkit.interfaces.one_per_file import module_of, names_in

Work = Callable[..., Any]
_EXAMPLES = Path(__file__).with_name("examples")


def names() -> list[str]:
    """Return the names of all examples, such as `cross-entropy` of cross_entropy.py."""
    return names_in(_EXAMPLES)


def find(name: str) -> Work:
    """Return the function of an example; raise InputError for an unknown name."""
    work: Work = module_of(name, _EXAMPLES, "dlkit.worked.examples", "example").work
    return work


def described(name: str) -> dict[str, Any]:
    """Return what an example shows and its settings with their defaults, as text."""
    from dlkit.worked.numbers import default_text

    work = find(name)
    settings = {key: default_text(item.default) for key, item in signature(work).parameters.items()}
    return {"name": name, "shows": (getdoc(work) or "").splitlines()[0], "settings": settings}
