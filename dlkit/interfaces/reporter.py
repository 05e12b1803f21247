"""The interface of receivers of training progress, such as the terminal or a tracker."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

Outcome = Literal["finished", "interrupted", "failed"]


class Reporter:
    """Receives training progress; this one ignores it. Subclasses override what they need."""

    def note(self, text: str) -> None:
        """Receive a message for the user, such as a warning or a list of skipped files."""

    def start(self, run: Path, history: Sequence[Mapping[str, Any]]) -> None:
        """Receive a run's directory and the rows of its epochs so far, as its training starts or continues."""

    def begin(self, epoch: int, steps_done: int, steps: int) -> None:
        """Receive the start of an epoch (counted from 0), or its continuation after `steps_done` of its steps."""

    def progress(self, epoch: int, steps_done: int, steps: int, logs: Mapping[str, float]) -> None:
        """Receive the number of steps of an epoch that are done, and the current values of the metrics."""

    def epoch_done(self, epoch: int, row: Mapping[str, float]) -> None:
        """Receive the end of an epoch; `row` is its row of the history."""

    def end(self, outcome: Outcome) -> None:
        """Receive the end of the training, after its last file was written, or of this part of it."""


class Reporters(Reporter):
    """Forwards training progress to several reporters, in order."""

    def __init__(self, reporters: Iterable[Reporter]) -> None:
        self._reporters = tuple(reporters)

    def note(self, text: str) -> None:
        """Forward a message."""
        for reporter in self._reporters:
            reporter.note(text)

    def start(self, run: Path, history: Sequence[Mapping[str, Any]]) -> None:
        """Forward the start of a training."""
        for reporter in self._reporters:
            reporter.start(run, history)

    def begin(self, epoch: int, steps_done: int, steps: int) -> None:
        """Forward the start of an epoch."""
        for reporter in self._reporters:
            reporter.begin(epoch, steps_done, steps)

    def progress(self, epoch: int, steps_done: int, steps: int, logs: Mapping[str, float]) -> None:
        """Forward the number of steps done."""
        for reporter in self._reporters:
            reporter.progress(epoch, steps_done, steps, logs)

    def epoch_done(self, epoch: int, row: Mapping[str, float]) -> None:
        """Forward the end of an epoch."""
        for reporter in self._reporters:
            reporter.epoch_done(epoch, row)

    def end(self, outcome: Outcome) -> None:
        """Forward the end of the training."""
        for reporter in self._reporters:
            reporter.end(outcome)
