"""What a run recorded of its training: history, the loss before the first step, classes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dlkit.runs.directory import RunDirectory
from dlkit.runs.history import history_so_far


@dataclass(frozen=True)
class Record:
    """A run as it is in its directory; the data and the network are not needed."""

    run: RunDirectory

    @cached_property
    def history(self) -> dict[str, np.ndarray]:
        """Return the columns of history.csv, (epochs,) each; empty before the end of the first epoch."""
        return {name: np.array(values) for name, values in history_so_far(self.run).items()}

    @cached_property
    def first_loss(self) -> float | None:
        """Return the loss before the first update, None where it was not recorded."""
        first = self.run.read_json("metrics.json").get("training", {}).get("first_step", {}).get("loss")
        return float(first) if isinstance(first, int | float) else None

    @property
    def stopped_by_fault(self) -> bool:
        """Return whether the training stopped because a loss or a weight became NaN or infinite."""
        return not self.run.finished and (self.run.path / "faults").is_dir()

    @cached_property
    def class_counts(self) -> dict[str, int]:
        """Return the examples of each class in train, by name; empty without classes."""
        content = self.run.read_json("data.json")
        names, counts = content.get("description", {}).get("class_names", ()), content.get("class_counts") or ()
        return dict(zip(names, counts, strict=False))

    def examples(self, split: str) -> int | None:
        """Return the number of examples of a split that the run read, None if it did not."""
        found = self.run.read_json("data.json").get("fingerprints", {}).get(split, {}).get("examples")
        return None if found is None else int(found)

    @property
    def available(self) -> int | None:
        """Return the number of examples that the source has for training."""
        count = self.run.read_json("data.json").get("description", {}).get("splits", {}).get("train")
        return int(count) if isinstance(count, int) else None
