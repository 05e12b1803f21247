"""Compare a new version of a model with the one that answers, on the examples that its run kept."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dlkit.errors import CheckError, DlkitError
from dlkit.export.stored import load_samples, read_certificate
from dlkit.formatting import percent
from dlkit.runs.directory import RunDirectory
from dlkit.serving.description import LABEL
from dlkit.serving.model import Opened, Version
from dlkit.serving.signature import DEFAULT

NEAR = 0.05  # of the range of an output: values that differ by less agree
Arrays = Mapping[str, np.ndarray]


async def check_agreement(old: Version, new: Opened, least: float, seconds: float) -> None:
    """Raise CheckError when the two versions agree on less than this share of the kept samples.

    Two answers agree if their labels are equal or, without labels, if no value differs by more than NEAR times the
    range of the old version's values.
    """
    samples = _samples(new.folder)
    ((name, spec),) = new.backend.signatures[DEFAULT].inputs.items()
    if not spec.fits(samples.shape):
        raise CheckError(
            f"--shadow cannot compare {new.folder}: the kept samples have the shape {list(samples.shape)}, the model "
            f"takes {spec}",
            "start without --shadow",
        )
    assert old.batcher is not None
    before = await old.batcher.outputs(DEFAULT, {name: samples}, seconds)
    share = agreement(before, new.backend.run(DEFAULT, {name: samples}))
    if share < least:
        raise CheckError(
            f"{new.folder} agrees with version {old.number} on {percent(share)} of {len(samples)} kept samples, but "
            f"--shadow asks for {percent(least)}",
            "start without --shadow to serve it all the same",
        )


def agreement(before: Arrays, after: Arrays) -> float:
    """Return the share of examples on which two versions agree."""
    if before.keys() != after.keys() or any(before[name].shape != after[name].shape for name in before):
        return 0.0
    if LABEL in before:
        return float(np.mean(before[LABEL] == after[LABEL]))
    return float(np.mean(np.logical_and.reduce([_near(before[name], after[name]) for name in before])))


def _near(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return whether all values of an example are near each other, bool (n,)."""
    flat = [array.reshape(len(array), -1).astype(np.float64) for array in (before, after)]
    differences: np.ndarray = np.abs(flat[0] - flat[1]).max(axis=1)
    return differences <= NEAR * float(np.ptp(flat[0]))


def _samples(folder: Path) -> np.ndarray:
    """Return the samples of the run that an artefact comes from: the run around it, or the one that it names."""
    named = Path(read_certificate(folder)["run"])
    runs = [run for run in (*folder.resolve().parents[3:4], named) if (run / "samples.npz").is_file()]
    if not runs:
        raise CheckError(
            f"--shadow finds no samples for {folder}: {named} has no samples.npz", "keep the run beside it"
        )
    try:
        return load_samples(RunDirectory(runs[0]))
    except DlkitError as error:
        raise CheckError(str(error), "keep the run beside the artefact") from error
