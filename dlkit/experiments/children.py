"""Run verbs of dlkit as child processes, which end with their parent."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from dlkit.machine.interruption import lifeline

COMMAND = (sys.executable, "-m", "dlkit")


def json_of_child(arguments: Sequence[str]) -> dict[str, Any] | str:
    """Return the JSON that a verb prints, or how it ended without any; an unmet contract (exit 1) is not a failure.

    Raises KeyboardInterrupt when the child was interrupted.
    """
    with lifeline() as options:
        process = subprocess.Popen([*COMMAND, *arguments, "--json"], stdout=subprocess.PIPE, text=True, **options)
        try:
            output, _ = process.communicate()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode == 130:
        raise KeyboardInterrupt
    if process.returncode < 0:
        return f"was killed by signal {-process.returncode}"
    try:
        result: dict[str, Any] = json.loads(output)
    except ValueError:
        return f"ended with exit code {process.returncode}"
    return result


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt on SIGTERM, so that it ends the child too, as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
