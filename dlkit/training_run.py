"""From a recipe to a finished run directory: read the data, build, train, and write everything down."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.atomic import write_figure, write_file, write_text
from dlkit.compiled_model import BuiltModel, build_model, check_phases, spans_training, table_differences
from dlkit.data_source import build_dataset, describe, located
from dlkit.datasets._dataset import Split
from dlkit.environment import environment
from dlkit.errors import CheckError, DlkitError
from dlkit.evaluation import write_report
from dlkit.figures.curves import curves_figure
from dlkit.fingerprint import record_fingerprint
from dlkit.preprocessing import adapt
from dlkit.recipe import load_recipe, resolved_yaml
from dlkit.resources import check_disk, check_memory
from dlkit.run_conditions import check_determinism, left_out
from dlkit.run_directory import RunDirectory, create_run
from dlkit.snapshot import has_snapshot
from dlkit.source_run import keep_source, with_kept_source
from dlkit.splits import Splits, check_finite, load_splits
from dlkit.start_weights import load_start_weights
from dlkit.teacher import check_teacher, open_teacher
from dlkit.tiling import check_pixels
from dlkit.trained_model import load_weights
from dlkit.training import NonFinite, Reporter, Training
from dlkit.training_fault import explain_fault
from dlkit.weights_digest import weights_digest

SAMPLES, SAMPLE_BYTES = 64, 4_000_000

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe


@dataclass(frozen=True)
class TrainingResult:
    """The run, its last epoch's metrics, and where its counts differ from the contract."""

    run: RunDirectory
    metrics: dict[str, float]
    updates: int
    differences: list[str]


def train_recipe(
    loaded: "LoadedRecipe", root: Path, reporter: Reporter, *, start_from: RunDirectory | None = None
) -> TrainingResult:
    """Train a recipe into a new run below `root`, from the weights of `start_from` when it is given."""
    built, splits = prepare(loaded)
    if start_from is not None:
        load_weights(built.network, start_from.checkpoint("last"))
    given = start_from is not None or load_start_weights(built.network, loaded)
    training = _compiled_training(loaded, built, splits, reporter)
    check_disk(built.network, root)
    run = create_run(root, loaded.recipe.name, lambda run: _describe_run(run, loaded, built, splits, start_from))
    with run.locked():
        return _train(loaded, training, run, resume=False, keep_start=given)


def resume_run(loaded: "LoadedRecipe", run: RunDirectory, reporter: Reporter) -> TrainingResult:
    """Go on with an unfinished run as if it had never stopped.

    Raises CheckError when recipe, determinism or data is not what the run began with; more epochs are allowed.
    """
    with run.locked():
        check_determinism(run)
        _check_recipe(loaded, run)
        loaded = with_kept_source(loaded, run)
        built, splits = prepare(loaded)
        if not has_snapshot(run.path):
            load_start_weights(built.network, loaded)
        for name, split in _parts(splits).items():
            record_fingerprint(run, name, split)
        return _train(loaded, _compiled_training(loaded, built, splits, reporter), run, resume=True)


def prepare(loaded: "LoadedRecipe") -> tuple[BuiltModel, Splits]:
    """Build the model and read the examples that training may see."""
    recipe = loaded.recipe
    dataset = build_dataset(recipe)
    description = describe(recipe, dataset)
    teacher = open_teacher(loaded)
    built = replace(build_model(recipe, description), teacher=teacher)
    check_teacher(teacher, built, loaded)
    try:
        splits = load_splits(recipe.data, dataset, built.task.stratified)
        if splits.validation is not None:
            check_finite(splits.validation, "validation")
    except DlkitError as error:
        raise located(error, recipe.data.source.location) from error
    check_pixels(built, splits.validation)
    adapt(splits.train, built.preprocess, built.network)
    return built, splits


def _compiled_training(loaded: "LoadedRecipe", built: BuiltModel, splits: Splits, reporter: Reporter) -> Training:
    """The training that is ready to run: mistakes in optimizer, loss and callbacks show here, before a run begins."""
    check_phases(built, loaded)
    check_memory(built.network, loaded.recipe.training.batch_size)
    return Training(loaded.recipe, built, splits, reporter)


def _train(
    loaded: "LoadedRecipe", training: Training, run: RunDirectory, resume: bool, keep_start: bool = False
) -> TrainingResult:
    try:
        history = training.run_to_end(run, resume, keep_start)
    except NonFinite as error:
        raise explain_fault(loaded, training.built, training.splits, run, error.step) from error
    built, validation = training.built, training.splits.validation
    metrics = {name: value for name, value in history[-1].items() if name not in ("epoch", "phase", "seconds")}
    _write_figures(run, history)
    if validation is not None:
        write_report(run, built, loaded.recipe, validation, "validation")
    differences = table_differences(loaded.recipe, built.network)
    updates = training.progress.step
    counts = {"epochs": len(history), "updates": updates, "contract": differences}
    counts["first_step"] = training.progress.first_step
    run.write_json("metrics.json", {"training": {"metrics": metrics, **counts}})
    return TrainingResult(run, metrics, updates, differences)


def _describe_run(
    run: RunDirectory, loaded: "LoadedRecipe", built: BuiltModel, splits: Splits, start_from: RunDirectory | None = None
) -> None:
    """Write what the run is before it starts: recipe, machine, data and preprocessing."""
    write_text(run.path / "recipe.yaml", loaded.text)
    write_text(run.resolved_recipe, resolved_yaml(loaded))
    began = {"initial_weights": weights_digest(built.network.variables), "from": start_from and str(start_from.path)}
    content = environment(loaded.recipe.training.seed) | {"overrides": list(loaded.overrides)} | began
    run.write_json("environment.json", content)
    files = [str(path) for path in left_out(loaded.recipe)]
    run.write_json("data.json", {"description": asdict(built.description), "left_out": files})
    for name, split in _parts(splits).items():
        record_fingerprint(run, name, split)
    keep_source(loaded.recipe, run.path)
    write_file(run.path / "preprocess.keras", built.preprocess.save)
    samples = _samples(splits.validation or splits.train)
    write_file(run.path / "samples.npz", lambda aside: np.savez(aside, inputs=samples))


def _parts(splits: Splits) -> dict[str, Split]:
    parts = {"train": splits.train, "validation": splits.validation}
    return {name: split for name, split in parts.items() if split is not None}


def _check_recipe(loaded: "LoadedRecipe", run: RunDirectory) -> None:
    """Refuse a recipe that differs from the run's; when it only has more epochs, the run's recipe becomes this one.

    More epochs are other learning rates, from the first step on, where a schedule spans them all.
    """
    began = load_recipe(run.resolved_recipe).plain
    differences = _differences(began, loaded.plain)
    spanned = any(spans_training(phase.optimizer) for phase in loaded.recipe.resolved_phases())
    more = began["training"]["epochs"] <= loaded.plain["training"]["epochs"] and not spanned
    refused = [text for key, text in differences.items() if not (key == "training.epochs" and more)]
    if refused:
        raise CheckError(
            f"the recipe is not the one that {run.path} began with: {'; '.join(refused)}",
            "change it back, or start a new run without --resume",
        )
    if differences:
        write_text(run.resolved_recipe, resolved_yaml(loaded))


def _differences(before: Any, now: Any, key: str = "") -> dict[str, str]:
    """What differs between two recipes' plain data, by dotted key."""
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        before, now = dict(enumerate(before)), dict(enumerate(now))
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return {} if before == now else {key: f"{key} was {before!r}, is {now!r}"}
    found: dict[str, str] = {}
    for name in [*before, *(name for name in now if name not in before)]:
        inner = f"{key}.{name}".lstrip(".")
        found |= _differences(before.get(name, "absent"), now.get(name, "absent"), inner)
    return found


def _samples(split: Split) -> np.ndarray:
    """Examples for export certificates, evenly spread over a split: at most SAMPLES of them and SAMPLE_BYTES."""
    count = int(min(len(split), SAMPLES, max(2, SAMPLE_BYTES // max(1, split.inputs[:1].nbytes))))
    samples: np.ndarray = split.inputs[np.linspace(0, len(split) - 1, count).astype(int)]
    return samples


def _write_figures(run: RunDirectory, history: list[dict[str, Any]]) -> None:
    columns = {name: [row[name] for row in history] for name in history[0]}
    skipped = {"epoch", "phase", "seconds"}
    for name in columns:
        if name not in skipped and not name.startswith(("val_", "learning_rate")):
            write_figure(run.path / "figures" / f"{name}.png", curves_figure(name, columns))
