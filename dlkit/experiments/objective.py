"""What a search compares, whether its space can be built, and pictures of what it found."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from dlkit.data.source import build_dataset, describe
from dlkit.errors import DlkitError, InputError, RecipeError
from dlkit.experiments.search import Search
from dlkit.figures.search import history_figure, importances_figure, parallel_figure, slices_figure
from dlkit.model.build import build_model
from dlkit.recipe.space import LoadedSearch, check_space, located_problem
from dlkit.training.check import check_phases
from dlkit.training.monitors import directions, smaller_is_better

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe


def check_objective(loaded: "LoadedRecipe", found: LoadedSearch) -> tuple[str, str]:
    """Build the network with every end and choice of the space; return the monitored metric and its direction.

    Raises RecipeError at the key of the space whose value cannot be built, and InputError without validation examples.
    """
    if loaded.recipe.data.validation == "none":
        raise InputError(
            "a search or sweep compares validation metrics, but the recipe holds out no validation examples",
            "set data.validation, such as --set data.validation.fraction=0.1",
            location=loaded.locate("data"),
        )
    description = describe(loaded.recipe, build_dataset(loaded.recipe))
    for key, value, candidate in check_space(loaded, found):
        try:
            same = candidate.plain["data"] == loaded.plain["data"]
            known = description if same else describe(candidate.recipe, build_dataset(candidate.recipe))
            check_phases(build_model(candidate.recipe, known), candidate)
        except DlkitError as error:
            raise RecipeError([located_problem(found, key, value, error.problems[0])]) from error
    built = build_model(loaded.recipe, description)
    training = loaded.recipe.training
    monitor = training.monitor or built.task.monitor
    lower = smaller_is_better(monitor, directions(built.task, built.network), training.monitor_mode)
    return monitor, "minimize" if lower else "maximize"


def study_figures(search: Search, result: Mapping[str, Any]) -> dict[str, Callable[[], Figure]]:
    """Return functions that draw history, slices, parallel coordinates and importances of a study, by name."""
    trials, monitor = result["trials"], search.monitor
    complete = [trial for trial in trials if trial["state"] == "complete"]
    logarithmic = [key for key, entry in search.found.search.space.items() if entry.is_logarithmic]
    if not complete:
        return {}
    figures: dict[str, Callable[[], Figure]] = {
        "history": partial(history_figure, trials, monitor, search.direction == "minimize"),
        "slices": partial(slices_figure, trials, monitor, logarithmic),
        "parallel_coordinates": partial(parallel_figure, trials, monitor, logarithmic),
    }
    if len({trial["value"] for trial in complete}) < 2:
        return figures  # equal values have no reasons
    return figures | {"importances": lambda: importances_figure(search.importances(), monitor)}
