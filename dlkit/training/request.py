"""The request for a training, resolved before TensorFlow starts, so that mistakes are reported at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dlkit.errors import InputError, MissingError
from dlkit.machine.cluster import Cluster
from dlkit.recipe import LoadedRecipe, load_recipe
from dlkit.recipe.checks import check_trackers
from dlkit.recipe.places import moved, with_places_of
from dlkit.runs.conditions import restore_conditions
from dlkit.runs.directory import RunDirectory
from dlkit.runs.find import find_run
from dlkit.runs.parents import may_know_validation, with_kept_source


@dataclass(frozen=True)
class TrainingRequest:
    """A recipe to train below `root`, optionally from the weights of a run or as the continuation of one.

    start_from: a run whose weights to start from. resume: continue an unfinished run, named by `run` or else the
    recipe's latest. cluster: the processes that share the training, of which this is one. data: the place
    of the data, instead of the one that the recipe names.
    """

    recipe: str
    root: Path
    overrides: Sequence[str] = ()
    start_from: str | None = None
    resume: bool = False
    run: str | None = None
    cluster: Cluster | None = None
    data: Path | None = None

    def resolve(self) -> "TrainingPlan":
        """Load the recipe, find the runs, and restore the conditions of a run to continue.

        Raises InputError for options that exclude each other, and the errors of load_recipe and find_run.
        """
        if self.run is not None and not self.resume:
            raise InputError("--run is for resuming a run", "add --resume, or use --from RUN to start from its weights")
        if self.resume and self.start_from is not None:
            raise InputError("--resume and --from exclude each other", "remove --from: a resumed run has its weights")
        loaded = load_recipe(self.recipe, self.overrides)
        check_trackers(loaded.recipe)
        if self.cluster is not None:
            check_shards(loaded, len(self.cluster.hosts))
        if not self.resume:
            loaded = loaded if self.data is None else moved(loaded, self.data)
            first = find_run(self.start_from, self.root, finished=True) if self.start_from is not None else None
            return TrainingPlan(loaded, self.root, start_from=first, cluster=self.cluster)
        unfinished, loaded = self._to_continue(loaded.recipe.name)
        restore_conditions(unfinished, any_threads=loaded.recipe.training.shards > 1)
        return TrainingPlan(loaded, self.root, unfinished=unfinished, cluster=self.cluster)

    def _to_continue(self, name: str) -> tuple[RunDirectory, LoadedRecipe]:
        """Return the run to continue and its recipe: an unfinished one, or a finished one to train for more epochs."""
        if self.run is not None:
            run = find_run(self.run, self.root)
            return run, self._continued(run)
        try:
            run = find_run(name, self.root, finished=False)
            return run, self._continued(run)
        except MissingError:
            run = find_run(name, self.root)
        loaded, done = self._continued(run), run.read_json("metrics.json").get("training", {}).get("epochs", 0)
        if sum(phase.epochs for phase in loaded.recipe.resolved_phases()) > done:
            return run, loaded
        raise MissingError(
            f"there is no unfinished run of {name!r} in {self.root}; {run.path} has finished its {done} epochs",
            f"to train it for more: --resume --set training.epochs={2 * done}; to train anew: omit --resume",
        )

    def _continued(self, run: RunDirectory) -> LoadedRecipe:
        """Return the recipe with the overrides that the run was started with, and the new ones after them."""
        began = run.read_json("environment.json").get("overrides", [])
        loaded = load_recipe(self.recipe, [*began, *self.overrides])
        if self.data is not None:
            return moved(loaded, self.data)
        return with_places_of(load_recipe(run.resolved_recipe), loaded)


@dataclass(frozen=True)
class TrainingPlan:
    """A training that is ready to begin: its recipe, the runs' root, and the run that it starts from or continues.

    cluster: the processes that share it, None for this process alone.
    """

    loaded: LoadedRecipe
    root: Path
    start_from: RunDirectory | None = None
    unfinished: RunDirectory | None = None
    cluster: Cluster | None = None

    @property
    def sharded(self) -> bool:
        """Return whether batches are cut into shards."""
        return self.loaded.recipe.training.shards > 1

    def data_warning(self) -> str | None:
        """Return a warning if the recipe's teacher may have been trained on examples that are held out here."""
        kept = with_kept_source(self.loaded, self.unfinished) if self.unfinished else self.loaded
        return may_know_validation(kept)


def check_shards(loaded: LoadedRecipe, processes: int) -> None:
    """Raise InputError unless the processes can share the shards of the recipe's batches."""
    shards, place = loaded.recipe.training.shards, loaded.locate("training.shards")
    allowed = allowed_processes(shards)
    if processes in allowed:
        return
    if shards == 1:
        raise InputError(
            f"{processes} processes cannot share a batch that is not cut into shards",
            f"add --set training.shards={processes}, or put shards: {processes} under training in the recipe",
            key="training.shards",
            location=place,
        )
    raise InputError(
        f"{processes} processes cannot share the {shards} shards of a batch",
        f"allowed with {shards} shards: {', '.join(map(str, allowed))} processes",
        key="training.shards",
        location=place,
    )


def allowed_processes(shards: int) -> list[int]:
    """Return the numbers of processes that can share the shards: 1, or those that get 1, 2, 4, 8 ... shards each.

    Sums are taken over neighbours first, so each process must have a complete part of the tree of additions.
    """
    parts = (1 << power for power in range(shards.bit_length()))
    return sorted({1, *(shards // part for part in parts if shards % part == 0)})
