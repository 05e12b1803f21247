"""The grid of `dlkit sweep`: every combination of the values that its options --set give."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from dlkit.errors import InputError, Location, Problem, RecipeError
from dlkit.recipe import LoadedRecipe, load_recipe
from dlkit.recipe.reader import KeyPath, Positions, parse_value
from dlkit.recipe.search import Dimension, Search
from dlkit.recipe.space import LoadedSearch, settings_of

SEED = "training.seed"
_EXAMPLE = "for example --set training.batch_size=16,32"


@dataclass(frozen=True)
class Grid:
    """The values to try by key of the recipe, in the order in which they were given, and the option of each key."""

    values: dict[str, list[Any]]
    options: dict[str, str]

    @property
    def combinations(self) -> list[dict[str, Any]]:
        """Return every combination, the last key changing fastest."""
        return [dict(zip(self.values, chosen, strict=True)) for chosen in product(*self.values.values())]

    @property
    def fixed(self) -> dict[str, Any]:
        """Return the settings with one value, which all combinations share."""
        return {key: values[0] for key, values in self.values.items() if len(values) == 1}

    def as_search(self) -> LoadedSearch:
        """Return the values as a search space, whose checks are those of `dlkit search`."""
        space = {key: Dimension(categorical=values) for key, values in self.values.items()}
        places: dict[KeyPath, Location] = {("space", key): Location(option) for key, option in self.options.items()}
        return LoadedSearch(Search(space=space), {}, Positions("--set", keys=places))


def parse_grid(options: Sequence[str]) -> Grid:
    """Read KEY=VALUE,VALUE...: the values of a YAML list without its brackets, so a value with a comma is quoted.

    Raises RecipeError for an option without values, a value given twice, and a key given twice.
    """
    grid = Grid({}, {})
    for text in options:
        key, equals, listed = text.partition("=")
        key, option = key.strip(), f"--set {text}"
        if not equals or not key:
            raise _problem("a setting must be KEY=VALUE,VALUE...", _EXAMPLE, key, option)
        if key in grid.values:
            raise _problem(f"{key} is given twice", "give all of its values in one --set", key, option)
        if key == SEED:
            raise _problem("a sweep trains every combination with the same seeds", "give --seeds N", key, option)
        grid.values[key], grid.options[key] = _values(key, listed, option), option
    if not grid.values:
        raise InputError("there is nothing to sweep over", f"give values to try, {_EXAMPLE}")
    return grid


def _values(key: str, listed: str, option: str) -> list[Any]:
    if not listed.strip() or listed.rstrip().endswith(","):
        raise _problem("a value is missing", "separate values with one comma, and quote an empty one: ''", key, option)
    try:
        values = parse_value(f"[{listed}]", option)
    except RecipeError as error:
        first = error.problems[0]
        raise _problem(first.message, "quote values with special characters: 'a,b'", key, option) from error
    written = [json.dumps(value) for value in values]
    twice = [text for text in dict.fromkeys(written) if written.count(text) > 1]
    if twice:
        raise _problem(f"{twice[0]} is given twice", "give each value once", key, option)
    return list(values)


def load_combinations(reference: str, grid: Grid) -> list[LoadedRecipe]:
    """Return the recipe of every combination; raise RecipeError for those that it cannot take."""
    problems: dict[Any, Problem] = {}
    loaded = []
    for chosen in grid.combinations:
        try:
            loaded.append(load_recipe(reference, settings_of(chosen)))
        except RecipeError as error:
            for problem in error.problems:
                problems.setdefault((problem.key, problem.location), _in_combination(problem, chosen))
    if problems:
        raise RecipeError(list(problems.values()))
    return loaded


def _in_combination(problem: Problem, chosen: Mapping[str, Any]) -> Problem:
    """Return a problem with the combination that causes it, unless it is that of one option alone."""
    key = problem.key
    about = [name for name in chosen if f"{name}.".startswith(f"{key}.") or f"{key}.".startswith(f"{name}.")]
    if len(about) == 1:
        return problem
    return replace(problem, message=f"with {', '.join(settings_of(chosen))}: {problem.message}")


def _problem(message: str, hint: str, key: str, option: str) -> RecipeError:
    return RecipeError([Problem(message, hint, key, Location(option))])
