"""The search space of `dlkit search`: which values of which keys of a recipe are tried."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.errors import InputError, Location, Problem, RecipeError
from dlkit.recipe import LoadedRecipe, load_recipe, shown_path
from dlkit.recipe.search import Search

if TYPE_CHECKING:
    from dlkit.recipe.reader import Positions


@dataclass(frozen=True)
class LoadedSearch:
    """A checked search with its plain data, from a file of its own or from the key `search` of a recipe.

    place: the keys above it.
    """

    search: Search
    plain: dict[str, Any]
    positions: "Positions"
    place: tuple[str, ...] = ()

    def locate(self, *keys: str) -> Location:
        """Return the position of a key of the search."""
        return self.positions.key((*self.place, *keys))

    def settings(self, parameters: Mapping[str, Any]) -> list[str]:
        """Return a trial's values as texts of --set, for all the keys that each of them sets."""
        keys = {key: (key, *self.search.space[key].also) for key in parameters}
        return settings_of({name: value for key, value in parameters.items() for name in keys[key]})


def load_search(path: Path | None, loaded: LoadedRecipe) -> LoadedSearch:
    """Read and check a search's file, or without one take the recipe's own; raise RecipeError with all problems."""
    from dlkit.recipe.checks import check_section
    from dlkit.recipe.reader import parse, read_file

    if path is not None:
        plain, positions = parse(read_file(path), shown_path(path))
        if "recipe" in plain:
            hint = "write the keys of `search` alone into a file: trials, space and so on; see docs/search.md"
            raise InputError(f"{shown_path(path)} is a recipe, not a search", hint)
        return LoadedSearch(check_section(Search, plain, positions), plain, positions)
    if loaded.recipe.search is None:
        raise InputError(f"{shown_path(loaded.path)} has no search", "give a file: --space FILE; see docs/search.md")
    return LoadedSearch(loaded.recipe.search, loaded.plain["search"], loaded.positions, ("search",))


def check_space(loaded: LoadedRecipe, found: LoadedSearch) -> Iterator[tuple[str, Any, LoadedRecipe]]:
    """Yield key, value and recipe for each end or choice of the space; raise RecipeError for values it cannot take."""
    problems: list[Problem] = []
    for key, dimension in found.search.space.items():
        for value in dimension.extremes:
            settings = settings_of(dict.fromkeys((key, *dimension.also), value))
            try:
                yield key, value, load_recipe(loaded.path, [*loaded.overrides, *settings, "expect={}"])
            except RecipeError as error:
                problems.append(located_problem(found, key, value, error.problems[0]))
                break
    if problems:
        raise RecipeError(problems)


def located_problem(found: LoadedSearch, key: str, value: Any, problem: Problem) -> Problem:
    """Return a problem that a value of the space causes, at its key."""
    place = ".".join((*found.place, "space", key))
    return replace(
        problem, message=f"with {json.dumps(value)}: {problem.message}", key=place, location=found.locate("space", key)
    )


def settings_of(values: Mapping[str, Any]) -> list[str]:
    """Return values by key of the recipe as texts of --set; JSON is YAML."""
    return [f"{key}={json.dumps(value)}" for key, value in values.items()]


def decoded(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as Optuna keeps them, with choices as JSON text, as values of a recipe."""
    return {key: json.loads(value) if isinstance(value, str) else value for key, value in parameters.items()}
