"""Train in several processes on this machine, and notice at once when one of them ends or stops.

This process only watches: the first child writes the run and prints to the terminal, and what the others print is kept
for the message about their end.
"""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlkit.errors import ExitCode, MissingError
from dlkit.experiments.children import COMMAND
from dlkit.machine.cluster import local_clusters
from dlkit.machine.hardware import usable_cores
from dlkit.machine.interruption import lifeline
from dlkit.process import TF_CONFIG, THREADS
from dlkit.runs.directory import RunDirectory
from dlkit.runs.find import list_runs
from dlkit.training.request import TrainingPlan

# How long a process may be stopped (SIGSTOP), and how long others may take to end after the first one.
STOPPED_SECONDS, ENDING_SECONDS = 5.0, 20.0
_POLL_SECONDS = 0.05


@dataclass
class _Child:
    """One process of a training, with its exit code (minus the signal that ended it) once it has ended."""

    index: int
    process: "subprocess.Popen[bytes]"
    output: Any
    code: int | None = None
    ended_at: float = 0.0
    stopped_at: float | None = None

    def poll(self) -> None:
        """Note whether the process has ended, stopped or continued."""
        while self.code is None:
            number, status = os.waitpid(self.process.pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            if number == 0:
                return
            if os.WIFSTOPPED(status):
                self.stopped_at = time.monotonic()
            elif os.WIFCONTINUED(status):
                self.stopped_at = None
            else:
                self.code = self.process.returncode = os.waitstatus_to_exitcode(status)
                self.ended_at = time.monotonic()

    @property
    def lost(self) -> bool:
        """Return whether the process was killed, or has been stopped for long."""
        stopped = self.code is None and self.stopped_at is not None
        return (self.code or 0) < 0 or (stopped and time.monotonic() - (self.stopped_at or 0) > STOPPED_SECONDS)

    def __str__(self) -> str:
        if self.code is None:
            what = (
                f"was stopped (SIGSTOP) for more than {STOPPED_SECONDS:.0f} seconds" if self.lost else "did not answer"
            )
        elif self.code < 0:
            what = f"was killed by signal {-self.code} ({signal.Signals(-self.code).name})"
        else:
            what = f"ended with exit code {self.code}{self._last_words()}"
        return f"process {self.index} {what}"

    def _last_words(self) -> str:
        self.output.seek(0)
        lines = self.output.read().decode(errors="replace").strip().splitlines()
        errors = [line for line in lines if line.startswith("error")]
        return f": {(errors or lines)[-1]}" if lines else ""


def train_in_processes(
    plan: TrainingPlan,
    arguments: Sequence[str],
    count: int,
    *,
    threads: int | None,
    restarts: int,
    note: Callable[[str], None],
) -> int:
    """Train in `count` processes on this machine; return the exit code of the first, which writes the run.

    arguments: those of `dlkit train` for every process. threads: for all processes together, by default one per core.
    restarts: how often to continue from the newest snapshot after a process was lost. note: gets a message for every
    restart. Raises MissingError that names the process.
    """
    run = plan.unfinished
    while True:
        with _children(_continued(arguments, run), count, threads) as children:
            code, failed = _watched(children)
            fault = str(failed)
        run = run or _run_of(children[0].process.pid, plan.root / plan.loaded.recipe.name)
        if failed is None or (run is None and not failed.lost):  # before there is a run, all have the same error
            return code
        if restarts == 0:
            raise MissingError(f"{fault}, so the training cannot go on", _advice(run, count))
        restarts -= 1
        note(f"{fault}; starting again {'from the newest snapshot' if run else 'from the beginning'}")


def _continued(arguments: Sequence[str], run: RunDirectory | None) -> list[str]:
    """Return the arguments to continue a run, or to start one where there is none yet."""
    if run is None:
        return list(arguments)
    kept = without(arguments, "--from", "--run", "--resume")
    return [*kept, "--resume", "--run", str(run.path)]


def without(arguments: Sequence[str], *options: str) -> list[str]:
    """Return command-line arguments without these options and their values; only --resume has none."""
    kept, skip = list[str](), False
    for argument in arguments:
        name = argument.split("=", 1)[0]
        if skip or name in options:
            skip = not skip and argument == name and name != "--resume"
            continue
        kept.append(argument)
    return kept


@contextmanager
def _children(arguments: Sequence[str], count: int, threads: int | None) -> Iterator[list[_Child]]:
    """Start the processes; kill those that are left at the end."""
    each = max(1, int(threads or usable_cores()) // count)
    children: list[_Child] = []
    with ExitStack() as stack:
        options = stack.enter_context(lifeline())
        for cluster in local_clusters(count):
            environment = options["env"] | {TF_CONFIG: cluster.tf_config, THREADS: str(each)}
            output = stack.enter_context(tempfile.TemporaryFile())
            shown = None if cluster.index == 0 else output
            process = subprocess.Popen(
                [*COMMAND, *arguments],
                stdout=shown,
                stderr=shown,
                env=environment,
                pass_fds=options["pass_fds"],
                process_group=0,
            )
            children.append(_Child(cluster.index, process, output))
        try:
            yield children
        finally:
            for child in children:
                if child.code is None:
                    child.process.kill()
                    child.process.wait()


def _watched(children: list[_Child]) -> tuple[int, _Child | None]:
    """Return the exit code of the first process, and which one has failed; pass on requests to stop."""
    with _forwarded(children[0]):
        while True:
            for child in children:
                child.poll()
            found = _verdict(children)
            if found is not None:
                return found
            time.sleep(_POLL_SECONDS)


def _verdict(children: list[_Child]) -> tuple[int, _Child | None] | None:
    """Return the exit code and the process that failed, or None while the training goes on or is ending.

    A process that fails by itself takes the others with it, so the first to fail is the one to name. What the first
    process of all has to say, it has printed itself.
    """
    first, lost = children[0], [child for child in children if child.lost]
    if lost:
        return ExitCode.MISSING, lost[0]
    ended = sorted((child for child in children if child.code is not None), key=lambda child: child.ended_at)
    failed = [child for child in ended if child.code]
    if len(ended) == len(children):
        caused = failed and failed[0] is not first and first.code == ExitCode.MISSING
        return first.code or ExitCode.DONE, failed[0] if caused else None
    if not ended or time.monotonic() - ended[0].ended_at < ENDING_SECONDS:
        return None
    if not failed:  # one that has finished waits for nobody
        return (first.code, None) if first.code is not None else None
    waiting = next(child for child in children if child.code is None)
    return ExitCode.MISSING, waiting if failed[0] is first else failed[0]


@contextmanager
def _forwarded(first: _Child) -> Iterator[None]:
    """Pass SIGINT and SIGTERM on to the first process, which makes all of them save and end together."""

    def forward(*_: object) -> None:
        if first.code is None:
            first.process.send_signal(signal.SIGTERM)

    before = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run_of(process: int, folder: Path) -> RunDirectory | None:
    """Return the run that a process has created in the folder of its recipe."""
    runs = [RunDirectory(path) for path in list_runs(folder.parent) if path.parent == folder]
    mine = [run for run in runs if run.read_json("environment.json").get("process") == process]
    return mine[-1] if mine else None


def _advice(run: RunDirectory | None, count: int) -> str:
    """Return what to do next: continue on any number of processes."""
    if run is None:
        return "nothing was trained yet: start it again"
    return (
        f"everything up to its newest snapshot is saved in {run.path}; "
        f"continue with: {run.resume_command} --processes {count} (or another number)"
    )
