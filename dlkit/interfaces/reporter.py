"""Receives training progress: the terminal, a tracker, or nobody."""

from collections.abc import Iterable, Mapping


class Reporter:
    """Receives training progress; this one ignores it. Subclasses override what they need."""

    def note(self, text: str) -> None:
        """Take a message that the user should read: a warning, or what was left out."""

    def begin(self, epoch: int, steps_done: int, steps: int) -> None:
        """Note that an epoch (counted from 0) begins, or continues after `steps_done` of its steps."""

    def progress(self, epoch: int, steps_done: int, steps: int, logs: Mapping[str, float]) -> None:
        """Note that `steps_done` of an epoch's steps are done."""

    def epoch_done(self, epoch: int, row: Mapping[str, float]) -> None:
        """Note that an epoch is done; `row` is its line of the history."""


class Reporters(Reporter):
    """Passes training progress on to several reporters, in order."""

    def __init__(self, reporters: Iterable[Reporter]) -> None:
        self._reporters = tuple(reporters)

    def note(self, text: str) -> None:
        """Pass a message on."""
        for reporter in self._reporters:
            reporter.note(text)

    def begin(self, epoch: int, steps_done: int, steps: int) -> None:
        """Pass on that an epoch begins."""
        for reporter in self._reporters:
            reporter.begin(epoch, steps_done, steps)

    def progress(self, epoch: int, steps_done: int, steps: int, logs: Mapping[str, float]) -> None:
        """Pass on that steps are done."""
        for reporter in self._reporters:
            reporter.progress(epoch, steps_done, steps, logs)

    def epoch_done(self, epoch: int, row: Mapping[str, float]) -> None:
        """Pass on that an epoch is done."""
        for reporter in self._reporters:
            reporter.epoch_done(epoch, row)
