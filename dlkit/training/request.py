"""The request for a training, resolved before TensorFlow starts, so that mistakes are reported at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dlkit.errors import InputError
from dlkit.recipe import LoadedRecipe, load_recipe
from dlkit.runs.conditions import check_threads, restore_conditions
from dlkit.runs.directory import RunDirectory, find_run
from dlkit.runs.parents import may_know_validation, with_kept_source


@dataclass(frozen=True)
class TrainingRequest:
    """A recipe to train below `root`, optionally from the weights of a run or as the continuation of one.

    start_from: a run whose weights to start from. resume: continue an unfinished run, named by `run` or else the
    recipe's latest.
    """

    recipe: str
    root: Path
    overrides: Sequence[str] = ()
    start_from: str | None = None
    resume: bool = False
    run: str | None = None

    def resolve(self) -> "TrainingPlan":
        """Load the recipe, find the runs, and restore the conditions of a run to continue.

        Raises InputError for options that exclude each other, and the errors of load_recipe and find_run.
        """
        if self.run is not None and not self.resume:
            raise InputError("--run is for resuming a run", "add --resume, or use --from RUN to start from its weights")
        if self.resume and self.start_from is not None:
            raise InputError("--resume and --from exclude each other", "remove --from: a resumed run has its weights")
        loaded = load_recipe(self.recipe, self.overrides)
        if not self.resume:
            first = find_run(self.start_from, self.root, finished=True) if self.start_from is not None else None
            return TrainingPlan(loaded, self.root, start_from=first)
        reference = self.run or loaded.recipe.name
        unfinished = find_run(reference, self.root, finished=None if self.run else False)
        # The overrides that the run was started with still apply; new ones come after them.
        began = unfinished.read_json("environment.json").get("overrides", [])
        loaded = load_recipe(self.recipe, [*began, *self.overrides])
        check_threads(unfinished)
        restore_conditions(unfinished)
        return TrainingPlan(loaded, self.root, unfinished=unfinished)


@dataclass(frozen=True)
class TrainingPlan:
    """A training that is ready to begin: its recipe, the runs' root, and the run that it starts from or continues."""

    loaded: LoadedRecipe
    root: Path
    start_from: RunDirectory | None = None
    unfinished: RunDirectory | None = None

    def data_warning(self) -> str | None:
        """Return a warning if the recipe's teacher may have been trained on examples that are held out here."""
        kept = with_kept_source(self.loaded, self.unfinished) if self.unfinished else self.loaded
        return may_know_validation(kept)
