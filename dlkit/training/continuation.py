"""Check and record what may change between the start of a run and its continuation: epochs and the place of data."""

import re
from typing import TYPE_CHECKING, Any

from dlkit.errors import CheckError, InputError
from dlkit.files.atomic import write_text
from dlkit.model.compile import spans_training
from dlkit.model.digest import weights_digest
from dlkit.recipe import load_recipe, resolved_yaml
from dlkit.recipe.places import plain_without_places, with_absolute_places
from dlkit.runs.directory import RunDirectory
from dlkit.training.prepare import Prepared

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe


def check_recipe(loaded: "LoadedRecipe", run: RunDirectory) -> None:
    """Raise CheckError for a recipe that differs from the run's; more epochs and other trackers are allowed.

    More epochs are refused where a schedule spans them all, because they change the learning rates from the first step.
    """
    began = load_recipe(run.resolved_recipe)
    if began.recipe.name != loaded.recipe.name:
        raise InputError(
            f"{run.path} is a run of the recipe {began.recipe.name}, not of {loaded.recipe.name}",
            f"continue it with its own recipe, or name a run of {loaded.recipe.name} with --run",
        )
    differences = _differences(plain_without_places(began), plain_without_places(loaded))
    differences = {key: text for key, text in differences.items() if not key.startswith("training.trackers")}
    *before, last = [phase.epochs for phase in began.recipe.resolved_phases()]
    *now_before, now_last = [phase.epochs for phase in loaded.recipe.resolved_phases()]
    spanned = any(spans_training(phase.optimizer) for phase in loaded.recipe.resolved_phases())
    more = before == now_before and last <= now_last
    others = [key for key in differences if not (more and re.fullmatch(r"training(\.phases\.\d+)?\.epochs", key))]
    refused = [text for key, text in differences.items() if spanned or key in others]
    if refused:
        raise CheckError(
            f"the recipe differs from the one that {run.path} started with: {'; '.join(refused)}",
            "a schedule spans all epochs, so more of them change its rates from the first step: start a new run"
            if not others
            else "change it back, or start a new run without --resume",
        )


def store_recipe(loaded: "LoadedRecipe", run: RunDirectory) -> None:
    """Make a recipe with more epochs, other trackers, or its data in another place that of the run."""
    loaded = with_absolute_places(loaded)
    if loaded.plain != load_recipe(run.resolved_recipe).plain:
        write_text(run.resolved_recipe, resolved_yaml(loaded))
        run.write_json("environment.json", run.read_json("environment.json") | {"overrides": list(loaded.overrides)})


def check_start(ready: Prepared, run: RunDirectory) -> None:
    """Raise CheckError when the weights before the first step differ from those that the run started with."""
    recorded = run.read_json("environment.json").get("initial_weights")
    if recorded not in (None, weights_digest(ready.built.network.variables)):
        raise CheckError(
            f"{run.path} was stopped before its first snapshot, and the weights that it started with have changed",
            "restore the weights (those of the run after --from, or downloaded ones), or start a new run",
        )


def _differences(before: Any, now: Any, key: str = "") -> dict[str, str]:
    """Return the differences between two recipes' plain data, by dotted key."""
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        before, now = dict(enumerate(before)), dict(enumerate(now))
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return {} if before == now else {key: f"{key} was {before!r}, is {now!r}"}
    found: dict[str, str] = {}
    for name in [*before, *(name for name in now if name not in before)]:
        inner = f"{key}.{name}".lstrip(".")
        found |= _differences(before.get(name, "absent"), now.get(name, "absent"), inner)
    return found
