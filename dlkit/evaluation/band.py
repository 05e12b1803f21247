"""Compare a run's metrics with those of its recipe's repetitions (dlkit repeat)."""

from collections.abc import Mapping
from typing import Any

from dlkit.files.cache import digest
from dlkit.recipe import LoadedRecipe
from dlkit.recipe.places import plain_without_places
from dlkit.runs.directory import RunDirectory

REPETITIONS = "repeat.json"
WIDTH = 3  # standard deviations on each side of the mean


def recipe_digest(loaded: LoadedRecipe) -> str:
    """Return a digest of everything in a recipe that affects its results, except the seed."""
    plain = {key: value for key, value in plain_without_places(loaded).items() if key != "expect"}
    plain["training"] = {key: value for key, value in plain["training"].items() if key not in ("seed", "trackers")}
    return digest(plain)


def band(run: RunDirectory, loaded: LoadedRecipe, split: str, metrics: Mapping[str, float]) -> dict[str, Any] | None:
    """Return whether each metric is within mean +- 3 standard deviations of the recipe's repetitions.

    None where this recipe (apart from its seed) and split have no repetitions, or only one.
    """
    stored = RunDirectory(run.path.parent).read_json(REPETITIONS)
    if (stored.get("recipe_digest"), stored.get("split")) != (recipe_digest(loaded), split):
        return None
    spreads = stored.get("statistics", {}).get("evaluation", {})
    found = {}
    for name, value in metrics.items():
        spread = spreads.get(name, {}).get("standard_deviation")
        if spread is not None:
            low, high = (spreads[name]["mean"] + sign * WIDTH * spread for sign in (-1, 1))
            found[name] = {"low": low, "high": high, "inside": low <= value <= high}
    return found or None
