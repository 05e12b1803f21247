"""Requests for evaluations and predictions, checked before TensorFlow starts."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dlkit.errors import InputError, MissingError
from dlkit.runs.conditions import restore_left_out
from dlkit.runs.directory import RunDirectory
from dlkit.runs.find import find_trained


@dataclass(frozen=True)
class EvaluationRequest:
    """A run to measure on a split; without a split, on the contract's own.

    run: a reference, see find_run. tile, overlap: in pixels, for images that go through the network in tiles.
    data: another place of the data, see dlkit/evaluation/measurable.py. processes: of this machine, which share the
    batches.
    """

    root: Path
    run: str | None = None
    split: str | None = None
    checkpoint: str = "last"
    tile: int | None = None
    overlap: int | None = None
    data: Path | None = None
    processes: int = 1

    def resolve(self) -> RunDirectory:
        """Return a run that has the checkpoint; unreadable images that it skipped may be skipped again."""
        check_tiles(self.tile, self.overlap)
        if self.tile is not None and self.processes > 1:
            raise InputError("--tile takes one image after the other, in one process", "remove --processes or --tile")
        found = find_trained(self.run, self.root, self.checkpoint)
        restore_left_out(found)
        return found


def check_tiles(tile: int | None, overlap: int | None) -> None:
    """Raise InputError when an overlap is given without tiles."""
    if overlap is not None and tile is None:
        raise InputError("--overlap needs --tile", "give the size of a tile too, such as --tile 256")


def check_inputs(inputs: Iterable[Path]) -> None:
    """Raise MissingError for the first file or folder to predict or encode that does not exist."""
    for path in inputs:
        if not path.exists():
            raise MissingError(
                f"no such file or folder: {path}",
                "give images, recordings, .txt, .csv, .npz or .npy files, or folders of images, recordings or texts",
            )
