"""SIGTERM and SIGINT as requests that a training heeds when it can save its state; a parent's death becomes one too.

A parent that is killed cannot end its children. So it holds one end of a pipe, which the system closes with it, and
hands the other end to its child by number in the environment; the child then sends itself SIGTERM.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from dlkit.errors import DlkitError, ExitCode
from dlkit.process import child_environment, take_parent_pipe


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


@contextmanager
def lifeline() -> Iterator[dict[str, Any]]:
    """Arguments for subprocess.Popen that let a child which calls end_with_parent() end when this process does."""
    watched, held = os.pipe()
    try:
        yield {"pass_fds": (watched,), "env": child_environment(watched)}
    finally:
        os.close(watched)
        os.close(held)


def end_with_parent() -> None:
    """Let this process get SIGTERM as soon as the one that started it with a lifeline() is gone."""
    pipe = take_parent_pipe()
    if pipe is None:
        return

    def wait() -> None:
        os.read(pipe, 1)  # nothing is ever written: it returns when the other end is closed
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
