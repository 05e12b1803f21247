"""The interface of trackers, which record a run's settings and epochs for another program."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dlkit.interfaces.reporter import Reporter

Setting = str | int | float | bool | None


@dataclass(frozen=True)
class TrackedRun:
    """What a tracker is told of a run.

    recipe: the recipe's name. name: the run's, its time. folder: where the tracker may write, inside the run; when a
    training continues, it has the tracker's earlier files. settings: the recipe's values by dotted key. offline: no
    connection may be opened.
    """

    recipe: str
    name: str
    folder: Path
    settings: Mapping[str, Setting]
    offline: bool


class Tracker(Reporter):
    """Records every value of every epoch once, also when a training continues from before what was recorded.

    Subclasses create or continue their record in `__init__(self, run: TrackedRun, *, ...)`, put the last epoch that it
    has into `recorded`, by name of value, and override `write`:

        class Lines(Tracker):
            def __init__(self, run, *, name="lines.txt"):
                super().__init__()
                self._path = run.folder / name

            def write(self, epoch, values):
                with self._path.open("a") as file:
                    file.write(f"{epoch} {values}\\n")
    """

    def __init__(self) -> None:
        self.recorded: dict[str, int] = {}

    def write(self, epoch: int, values: Mapping[str, float]) -> None:
        """Record values of an epoch (counted from 0), and do not return before they are safe from a killed process."""
        raise NotImplementedError

    def epoch_done(self, epoch: int, row: Mapping[str, float]) -> None:
        """Record the values of an epoch's row that are not recorded yet."""
        new = {
            name: float(value)
            for name, value in row.items()
            if name not in ("epoch", "phase") and epoch > self.recorded.get(name, -1)
        }
        if new:
            self.write(epoch, new)
            self.recorded |= dict.fromkeys(new, epoch)
