"""The answers of a run to the examples of a split, so that runs can be compared and shown without their data."""

from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from dlkit.errors import InputError
from dlkit.files.atomic import write_file
from dlkit.runs.directory import RunDirectory
from dlkit.safety.arrays import check_arrays
from dlkit.safety.files import UnreadableError

WORST = "worst_"


def write_answers(
    run: RunDirectory, split: str, answers: Mapping[str, np.ndarray], worst: Mapping[str, np.ndarray]
) -> None:
    """Write arrays (n, ...) of a split's examples, and those of its worst mistakes (k, ...), as answers_<split>.npz."""
    arrays = {**answers, **{f"{WORST}{name}": array for name, array in worst.items()}}
    write_file(run.path / f"answers_{split}.npz", lambda aside: _save(aside, arrays))


def _save(aside: Path, arrays: Mapping[str, np.ndarray]) -> None:
    with aside.open("wb") as stream:
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]


def read_answers(run: RunDirectory, split: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]] | None:
    """Return the answers of a split and its worst mistakes, None where the run has none; no pickle is read."""
    path = run.path / f"answers_{split}.npz"
    if not path.is_file():
        return None
    try:
        check_arrays(path)
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (UnreadableError, ValueError, OSError, BadZipFile, KeyError) as error:
        raise InputError(f"{path} is damaged: {error}", "remove it, and evaluate the run again") from error
    worst = {name.removeprefix(WORST): array for name, array in arrays.items() if name.startswith(WORST)}
    return {name: array for name, array in arrays.items() if not name.startswith(WORST)}, worst
