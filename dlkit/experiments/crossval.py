"""Cross-validate a recipe: train once for each fold that is held out, and measure the folds and their ensemble.

Each fold is a run of its own, trained in a process of its own; a fold that was begun is continued. Every choice of a
training is made on its held-out fold, and the test split is read once, when all folds are trained.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.data.source import build_dataset, describe
from dlkit.errors import CheckError, InputError
from dlkit.experiments.repeat import spreads
from dlkit.experiments.search import alone_in
from dlkit.experiments.trial import Trial
from dlkit.files.atomic import write_file
from dlkit.files.cache import digest
from dlkit.recipe import LoadedRecipe
from dlkit.recipe.places import with_absolute_places
from dlkit.runs.directory import RunDirectory

RESULTS, PREDICTIONS = "crossval.json", "predictions.npz"
_WITHOUT_EFFECT = ("expect", "search")


def train_folds(
    loaded: LoadedRecipe, folder: Path, folds: int, seed: int, done: Callable[[int, RunDirectory], None]
) -> list[RunDirectory]:
    """Train every fold below a folder, or continue; return their runs. This process trains nothing.

    seed: that of the cut into folds. Raises CheckError at the first fold that fails; those before it are kept. Raises
    InputError while another process works on these folds.
    """
    _check_folds(loaded, folds)
    runs = []
    with alone_in(folder, "on the folds ", "wait for it, or give another --seed"):
        for fold in range(folds):
            place = folder / f"fold_{fold:02d}"
            place.mkdir(parents=True, exist_ok=True)
            held_out = f"data.validation={{fold: {fold}, of: {folds}, seed: {seed}}}"
            trained = Trial(loaded, [held_out], place, "val_loss").train(lambda epoch, value: False)
            if isinstance(trained, str):
                hint = f"see {place / 'log.txt'}; the same command continues with this fold"
                raise CheckError(f"fold {fold} failed: {trained}", hint)
            runs.append(RunDirectory(trained.run))
            done(fold, runs[-1])
    return runs


def folder_of(loaded: LoadedRecipe, root: Path, folds: int, seed: int) -> Path:
    """Return the folder of a recipe's folds; other settings, and data in another place, have another one."""
    plain = {key: value for key, value in with_absolute_places(loaded).plain.items() if key not in _WITHOUT_EFFECT}
    data = {key: value for key, value in plain["data"].items() if key != "validation"}
    return root / loaded.recipe.name / f"crossval_{folds}_seed_{seed}_{digest(plain | {'data': data})[:8]}"


def _check_folds(loaded: LoadedRecipe, folds: int) -> None:
    """Raise InputError for settings of a split, more folds than examples, and transcripts, which differ in length."""
    split = next((text for text in loaded.overrides if text.startswith("data.validation")), None)
    if split is not None:
        raise InputError(
            f"--set {split}: crossval holds the folds out itself", "remove it, and give --folds and --seed"
        )
    description = describe(loaded.recipe, build_dataset(loaded.recipe))
    examples = description.splits.get("train")
    if examples is not None and folds > examples:
        raise InputError(f"--folds is {folds}, but train has {examples} examples", f"give at most {examples}")
    if description.targets.shape == (None,):
        raise InputError(
            "crossval puts the outputs of all folds together, but those of recordings differ in length",
            "use `dlkit repeat`, or train with data.validation: {fold: 0, of: 5} for each fold",
            location=loaded.recipe.task.location,
        )


def measure_folds(runs: Sequence[RunDirectory], folder: Path) -> dict[str, Any]:
    """Measure each run on its fold and on test, and all of them as an ensemble; write results and predictions.

    The out-of-fold predictions are the outputs for every example of train by the one network that has not seen it.
    """
    from dlkit.experiments.ensemble import Member, Sums

    sums, entries = Sums(), []
    measured: dict[str, list[dict[str, float]]] = {}
    for fold, run in enumerate(runs):
        member = Member(run)
        found = {"validation": member.validation()} | ({"test": member.test()} if member.has_test else {})
        entries.append({"fold": fold, "run": str(run.path)} | found)
        for part, metrics in found.items():
            measured.setdefault(part, []).append(metrics)
        sums.add(member)
    content: dict[str, Any] = {"folds": entries}
    content |= {"statistics": {part: spreads(rows) for part, rows in measured.items()}}
    content |= {"out_of_fold": sums.out_of_fold(measured["validation"]), "ensemble": sums.ensemble()}
    write_file(folder / PREDICTIONS, lambda aside: _save(aside, sums.predictions()))
    RunDirectory(folder).write_json(RESULTS, content)
    return content


def _save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with path.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)
