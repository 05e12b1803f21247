"""Apply --set KEY=VALUE to a recipe's plain data, which is then checked like any recipe."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.errors import Location, Problem, RecipeError
from dlkit.recipe.reader import KeyPath, Positions, dotted, parse_value

COMPONENTS: tuple[KeyPath, ...] = (("model",), ("task",), ("data", "source"), ("training", "optimizer"))
"""The places of one component each."""


def apply_overrides(data: dict[str, Any], positions: Positions, overrides: Sequence[str]) -> None:
    """Apply overrides to `data` in place; positions below a changed key become the text of the override."""
    for override in overrides:
        file = f"--set {override}"
        path, value = _split(override, file)
        full = _assign(data, path, value, file)
        for known in (positions.values, positions.keys):
            for place in [place for place in known if place[: len(full)] == full]:
                del known[place]
        for length in range(1, len(full) + 1):
            if full[:length] not in positions.values:
                positions.values[full[:length]] = positions.keys[full[:length]] = Location(file)


def _split(override: str, file: str) -> tuple[KeyPath, Any]:
    name, equals, text = override.partition("=")
    parts: KeyPath = tuple(int(part) if part.isdigit() else part for part in name.strip().split("."))
    if not equals or not all(part != "" for part in parts):
        key, colon, value = override.partition(":")
        meant = f"{key}={value.strip() if colon else 'VALUE'}" if key and not equals else "training.epochs=1"
        raise _problem("an override must be KEY=VALUE", f"for example --set {meant}", "", file)
    if re.fullmatch(r"[^\[{'\"]*,\s*[a-z_]+\.[\w.]+=.*", text):
        raise _problem("an override sets one key", "give every key a --set of its own", dotted(parts), file)
    try:
        return parts, parse_value(text, file)
    except RecipeError as error:
        problem = error.problems[0]
        raise _problem(problem.message, problem.hint, dotted(parts), file) from error


def _assign(data: dict[str, Any], path: KeyPath, value: Any, file: str) -> KeyPath:
    """Set the value at a path; parts are list indices, keys, or names of components written without settings."""
    here: Any = data
    for depth, part in enumerate(path[:-1]):
        below = _child(here, part, path[: depth + 1], file)
        if below is None or (isinstance(below, str) and below == path[depth + 1]):
            below = {} if below is None else {below: {}}
            here[part] = below
        here = below
    part, place = path[-1], dotted(path)
    if isinstance(here, list) and isinstance(part, int) and part < len(here):
        here[part] = value
    elif isinstance(here, list):
        _child(here, part, path, file)
    elif isinstance(here, dict):
        if path[:-1] in COMPONENTS:
            _check_component(here, path, file)
        here[str(part)] = value
    else:
        raise _problem(f"{dotted(path[:-1])} is {here!r} and has no keys", "override it as a whole", place, file)
    return path if isinstance(here, list) else (*path[:-1], str(part))


def _child(here: Any, part: str | int, path: KeyPath, file: str) -> Any:
    place, around = dotted(path), dotted(path[:-1]) or "the recipe"
    if isinstance(here, list):
        if not isinstance(part, int) or part >= len(here):
            allowed = f"allowed: 0 to {len(here) - 1}" if here else "the list is empty; override it as a whole"
            raise _problem(f"{around} is a list of length {len(here)} and has no entry {part!r}", allowed, place, file)
        return here[part]
    if not isinstance(here, dict):
        raise _problem(f"{around} is {here!r} and has no key {part!r}", "override it as a whole", place, file)
    in_list = len(path) > 1 and isinstance(path[-2], int)
    if in_list or path[:-1] in COMPONENTS or (len(path) > 1 and next(iter(here), "")[:1].isupper()):
        _check_component(here, path, file)
    return here.get(str(part))


def _check_component(here: Mapping[str, Any], path: KeyPath, file: str) -> None:
    """Raise RecipeError when a path goes into another component than the one that a mapping of one key holds."""
    part = str(path[-1])
    name, *others = list(here) or [part]
    if others or part == name:
        return
    hint = f'to replace it, write --set "{dotted(path[:-1])}={{{part}: {{...}}}}"'
    if part.lower() == str(name).lower():
        hint = f"did you mean {name}?"
    raise _problem(f"{dotted(path[:-1])} is {name}, not {part}", hint, dotted(path), file)


def _problem(message: str, hint: str, key: str, file: str) -> RecipeError:
    return RecipeError([Problem(message, hint, key, Location(file))])
