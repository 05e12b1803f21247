"""Train a recipe into a finished run directory: read the data, build, train, and write the results."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import keras

from dlkit.data.fingerprint import record_fingerprint
from dlkit.errors import InputError
from dlkit.evaluation.examine import Examiner
from dlkit.evaluation.measurable import OTHER
from dlkit.evaluation.report import write_report
from dlkit.export.stored import outdated_formats
from dlkit.interfaces.reporter import Reporter, Reporters
from dlkit.machine.tensorflow import devices
from dlkit.model.build import table_differences
from dlkit.model.start_weights import load_start_weights
from dlkit.model.trained import load_weights, other_shapes
from dlkit.process import command
from dlkit.recipe.contract import changes_counts
from dlkit.recipe.places import hint_at_new_place
from dlkit.runs.conditions import check_determinism
from dlkit.runs.directory import RunDirectory, create_run
from dlkit.runs.figures import write_figures
from dlkit.runs.parents import started_from, with_kept_source
from dlkit.training.balance import imbalance_warning
from dlkit.training.capacity import check_disk, check_memory, slow_precision, steps_of
from dlkit.training.check import check_phases, contract_error
from dlkit.training.continuation import check_recipe, check_start, store_recipe
from dlkit.training.devices import ALONE, Group, check_same, joined
from dlkit.training.fault import explain_fault
from dlkit.training.learned import learned
from dlkit.training.loop import Training
from dlkit.training.pixels import backbone_warning
from dlkit.training.prepare import Prepared, prepare
from dlkit.training.record import curves, describe_run
from dlkit.training.request import TrainingPlan
from dlkit.training.snapshot import has_snapshot
from dlkit.training.state import NonFinite
from dlkit.training.trackers import ended, trackers

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe
    from dlkit.recipe.schema import Recipe


@dataclass(frozen=True)
class TrainingResult:
    """A run, its metrics, its number of updates, and where its counts differ from the contract.

    next_command: the command that evaluates it on a split that its data has. learned: weights and samples of a network
    that is small enough to be worked by hand.
    """

    run: RunDirectory
    metrics: dict[str, float]
    updates: int
    differences: list[str]
    next_command: str = ""
    learned: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form."""
        contract = {"passed": not self.differences, "differences": self.differences}
        head = {"run": str(self.run.path), "recipe": self.run.recipe_name}
        return head | {"metrics": self.metrics, "updates": self.updates, "contract": contract, **self.learned}


def train(plan: TrainingPlan, *reporters: Reporter) -> TrainingResult | None:
    """Train a plan's recipe into a new run, or continue the run that it names; report progress to all reporters.

    In a cluster, the first process does this, and the others take part in its steps and return None.
    """
    group = joined(plan.cluster)
    if group.index > 0:
        _follow(plan, group)
        return None
    reporter = Reporters([*reporters, *trackers(plan.loaded, Reporters(reporters).note)])
    with ended(reporter):
        return _first(plan, reporter, group)


def _first(plan: TrainingPlan, reporter: Reporter, group: Group) -> TrainingResult:
    """Train as the process that writes the run."""
    for warning in (slow_precision(plan.loaded.recipe.training.precision), plan.data_warning()):
        if warning is not None:
            reporter.note(warning)
    if plan.unfinished is not None:
        return resume_run(plan.loaded, plan.unfinished, reporter, group)
    return train_recipe(plan.loaded, plan.root, reporter, start_from=plan.start_from, group=group)


def _follow(plan: TrainingPlan, group: Group) -> None:
    """Take part in the steps of a training whose run another process writes; its first process explains faults."""
    loaded = with_kept_source(plan.loaded, plan.unfinished) if plan.unfinished else plan.loaded
    training = _checked_training(loaded, prepare(loaded), Reporter(), group)
    with TemporaryDirectory() as scratch, suppress(NonFinite):
        training.follow(Path(scratch))


def train_recipe(
    loaded: "LoadedRecipe",
    root: Path,
    reporter: Reporter,
    *,
    start_from: RunDirectory | None = None,
    prepared: Prepared | None = None,
    group: Group = ALONE,
) -> TrainingResult:
    """Train a recipe into a new run below `root`, from the weights of `start_from` if given.

    prepared: the model and data, if they have been prepared already. group: the processes that share the training.
    """
    ready = prepared or _prepared(loaded, reporter)
    given = _load_given_weights(ready, loaded, start_from)
    training = _checked_training(loaded, ready, reporter, group)
    _check_counts(loaded, ready, reporter)
    check_disk(ready.built.network, root)
    run = create_run(root, loaded.recipe.name, lambda run: describe_run(run, loaded, ready, start_from))
    with run.locked():
        return _run(loaded, training, run, resume=False, keep_start=given)


def _prepared(loaded: "LoadedRecipe", reporter: Reporter, run: RunDirectory | None = None) -> Prepared:
    """Build the model and read the data, of a run if given, and say what is being done and found."""
    reporter.note("reading the data and building the network")
    ready = prepare(loaded, run)
    counts = ", ".join(f"{name} {len(split):,}" for name, split in ready.splits.named().items())
    counts = counts.replace("train", "train (labelled)", 1) if ready.splits.unlabelled is not None else counts
    reporter.note(f"examples: {counts}; parameters: {ready.built.network.count_params():,}; device: {devices()}")
    return ready


def _load_weights_of(run: RunDirectory, network: keras.Model) -> None:
    """Read the weights of another run; raise InputError that names the first difference between the two networks."""
    try:
        load_weights(network, run.checkpoint("last"))
    except InputError as error:
        difference = other_shapes(network, run)
        if difference is None:
            raise
        hint = "give the layers the same sizes, or start from layers of it: weights: {run: RUN, upto: LAYER}"
        raise InputError(f"the network is not that of the run: {difference}", hint) from error


def _load_given_weights(ready: Prepared, loaded: "LoadedRecipe", start_from: RunDirectory | None) -> bool:
    """Load the weights of another run, or those that the recipe's model names; return whether there were any."""
    if start_from is not None:
        _load_weights_of(start_from, ready.built.network)
        return True
    return load_start_weights(ready.built.network, loaded)


def resume_run(loaded: "LoadedRecipe", run: RunDirectory, reporter: Reporter, group: Group = ALONE) -> TrainingResult:
    """Continue an unfinished run as if it had never stopped.

    Raises CheckError when recipe, determinism or data differ from those that the run started with, except for more
    epochs.
    """
    with run.locked():
        check_determinism(run)
        check_recipe(loaded, run)
        began_with = with_kept_source(loaded, run)
        with hint_at_new_place(loaded):
            ready = _prepared(began_with, reporter, run)
        anew = not has_snapshot(run.path)
        given = anew and _load_given_weights(ready, began_with, started_from(run))
        for name, split in ready.splits.named().items():
            record_fingerprint(run, name, split)
        training = _checked_training(began_with, ready, reporter, group)
        if anew:
            check_start(ready, run)
        store_recipe(loaded, run)
        result = _run(began_with, training, run, resume=True, keep_start=given)
        outdated = outdated_formats(run)
        if outdated:
            reporter.note(f"exports have older weights ({', '.join(outdated)}): {command('export', run.path)}")
        return result


def _checked_training(loaded: "LoadedRecipe", ready: Prepared, reporter: Reporter, group: Group) -> Training:
    """Return a training whose optimizer, loss, callbacks and memory have been checked, before a run is created.

    Its processes must have the same data and the same versions.
    """
    for path in ready.left_out:
        reporter.note(f"skipped unreadable image: {path}")
    for note in ready.notes:
        reporter.note(note)
    warning = imbalance_warning(ready.built.task, ready.built.class_names, ready.class_counts)
    for text in (warning, backbone_warning(ready.built, loaded)):
        if text is not None:
            reporter.note(f"warning: {text}")
    check_phases(ready.built, loaded)
    steps = steps_of(ready.splits.train)
    check_memory(ready.built.network, loaded.recipe.training.batch_size, steps=steps)
    check_same(group, ready)
    return Training(loaded.recipe, ready, reporter, group)


def _check_counts(loaded: "LoadedRecipe", ready: Prepared, reporter: Reporter) -> None:
    """Raise CheckError when the network differs from the contract; where --set has changed it, only say so."""
    differences, changed = table_differences(loaded.recipe, ready.built.network), changes_counts(loaded.overrides)
    if differences and not changed:
        raise contract_error(loaded, differences)
    if differences:
        reporter.note(f"the contract's counts are not checked, because the network was changed with {changed}")


def _run(
    loaded: "LoadedRecipe", training: Training, run: RunDirectory, resume: bool, keep_start: bool = False
) -> TrainingResult:
    """Train to the end, then write the validation report and metrics.json, and figures last."""
    try:
        history = training.run_to_end(run, resume, keep_start)
    except NonFinite as error:
        raise explain_fault(loaded, training, run, error.step) from error
    built, validation = training.built, training.prepared.splits.validation
    kept = training.kept_row
    run.check_in_place()
    metrics = {name: value for name, value in kept.items() if name not in ("epoch", "phase", "seconds")}
    drawn: dict[str, Any] = {}
    if validation is not None:
        batches = Examiner(built, loaded.recipe, validation).batches()
        drawn = write_report(run, built, "validation", batches).figures
    changed = changes_counts(run.read_json("environment.json").get("overrides", []))
    differences = [] if changed else table_differences(loaded.recipe, built.network)
    updates = training.progress.step
    counts = {"epochs": len(history), "updates": updates, "contract": differences}
    counts["epoch"], counts["best_epoch"] = kept["epoch"], training.best_epoch
    counts["first_step"] = training.progress.first_step
    run.check_in_place()
    run.write_json("metrics.json", {"training": {"metrics": metrics, **counts}} | _kept_evaluations(training, run))
    write_figures(run, curves(history), "train and validation" if drawn else "train", training.reporter.note)
    write_figures(run, drawn, "validation", training.reporter.note)
    following = _next_command(run, loaded.recipe, training.prepared)
    return TrainingResult(run, metrics, updates, differences, following, learned(built, training.prepared.splits.train))


def _next_command(run: RunDirectory, recipe: "Recipe", prepared: Prepared) -> str:
    """Return the command that evaluates a run on the contract's split, or on one that the data has."""
    known, held = prepared.built.description.splits, prepared.splits.named()
    if not known or recipe.expect.split in {*known, *held}:
        return command("evaluate", run.path)
    return command("evaluate", run.path, "--split", "validation" if "validation" in held else "train")


def _kept_evaluations(training: Training, run: RunDirectory) -> dict[str, Any]:
    """Return the evaluations of a run that was already finished; drop those of earlier weights, with a note."""
    stored = run.read_json("metrics.json")
    kept = {key: stored[key] for key in ("evaluation", OTHER) if key in stored}
    if not kept or stored.get("training", {}).get("updates") == training.progress.step:
        return kept
    names = ", ".join(name for group in kept.values() for name in group)
    text = f"dropped the evaluations on {names}, which measured earlier weights: evaluate the run again"
    training.reporter.note(text)
    return {}
