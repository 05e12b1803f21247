"""Turn SIGTERM, SIGINT and the end of the parent process into stop requests, so that training can save its state.

A parent that is killed cannot stop its children. It therefore keeps one end of a pipe, which the system closes when it
ends, and passes the number of the other end to its child in the environment; the child then sends itself SIGTERM.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from dlkit.errors import DlkitError, ExitCode
from dlkit.machine.limits import silence_processor_time
from dlkit.process import child_environment, take_parent_pipe


class Interrupted(DlkitError):
    """A stop requested by the user or the system; everything is saved (exit 130)."""

    exit_code = ExitCode.INTERRUPTED


_ARRIVED: list[int] = []


def heed_interrupts() -> None:
    """Remember every SIGINT: C++ code in which KeyboardInterrupt is raised may end in any other error."""

    def remember(number: int, frame: FrameType | None) -> None:
        _ARRIVED.append(number)
        signal.default_int_handler(number, frame)

    _ARRIVED.clear()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, remember)


def was_interrupted() -> bool:
    """Return whether a SIGINT has arrived since heed_interrupts."""
    return bool(_ARRIVED)


@dataclass
class StopRequest:
    """Whether a signal has requested a stop."""

    requested: bool = False


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Turn the first SIGTERM, SIGINT or SIGXCPU into a request that the loop checks; a second one acts immediately."""
    request = StopRequest()
    previous: dict[signal.Signals, Any] = {}

    def note(number: int, frame: FrameType | None) -> None:
        request.requested = True
        if number == signal.SIGXCPU:
            silence_processor_time()
            print("the processor time of this process is nearly used up (ulimit -t)", file=sys.stderr)
        for signal_number, handler in previous.items():
            signal.signal(signal_number, handler)

    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGXCPU):
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
    """Yield arguments for subprocess.Popen so that a child that calls end_with_parent() ends with this process."""
    watched, held = os.pipe()
    try:
        yield {"pass_fds": (watched,), "env": child_environment(watched)}
    finally:
        os.close(watched)
        os.close(held)


def end_with_parent() -> None:
    """Send SIGTERM to this process as soon as the process that started it with lifeline() has ended."""
    pipe = take_parent_pipe()
    if pipe is None:
        return

    def wait() -> None:
        os.read(pipe, 1)  # nothing is ever written, so it returns only when the other end is closed
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
