"""SIGTERM and SIGINT as requests that a training heeds when it can save its state."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from dlkit.errors import DlkitError, ExitCode


class Interrupted(DlkitError):
    """The user or the system asked to stop; everything is saved (exit 130)."""

    exit_code = ExitCode.INTERRUPTED


@dataclass
class StopRequest:
    """Whether a signal asked to stop."""

    requested: bool = False


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Turn SIGTERM and SIGINT into a request that the loop heeds between calls; a second one is not held back."""
    request = StopRequest()
    previous: dict[signal.Signals, Any] = {}

    def note(number: int, frame: FrameType | None) -> None:
        request.requested = True
        for signal_number, handler in previous.items():
            signal.signal(signal_number, handler)

    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            previous[number] = signal.signal(number, note)
    except ValueError:  # signals can only be caught in the main thread
        pass
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
