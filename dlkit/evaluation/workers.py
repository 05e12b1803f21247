"""Compute the batches of a split in several processes of this machine.

A batch is computed by one process, and its sums for the metrics are added in the order of the batches, so the number of
processes does not change the result. What a new process imports to begin with is here, so it imports little.
"""

import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context, parent_process, resource_tracker
from typing import TYPE_CHECKING, Any

from dlkit.errors import MissingError
from dlkit.process import THREADS, set_variable

if TYPE_CHECKING:
    from dlkit.evaluation.examine import Examiner
    from dlkit.interfaces.task import Examined

# Batches that a process computes without asking for more, and such tasks in advance for each process.
_BATCHES, _AHEAD = 4, 2

_own: list["Examiner"] = []


@dataclass(frozen=True)
class Workers:
    """Processes that have opened the same run and split, and their number."""

    pool: ProcessPoolExecutor
    count: int

    def batches(self, examiner: "Examiner") -> Iterator["Examined"]:
        """Yield the batches of a split in order, and add their sums to the metrics of the examiner's network."""
        network = examiner.network
        yield from examiner.batches(0, 1)  # creates the metrics' variables
        starts, waiting = iter(range(1, examiner.count, _BATCHES)), deque[Any]()
        try:
            while True:
                while len(waiting) < _AHEAD * self.count and (first := next(starts, None)) is not None:
                    waiting.append(self.pool.submit(_computed, first, min(first + _BATCHES, examiner.count)))
                if not waiting:
                    return
                for batch, sums in waiting.popleft().result():
                    for variable, value in zip(_sums(network), sums, strict=True):
                        variable.assign_add(value)
                    yield replace(batch, network=network)
        except BrokenProcessPool as error:
            raise MissingError(
                "a process of the evaluation was lost, so it cannot go on",
                "start it again; with fewer processes if the memory did not suffice",
            ) from error


@contextmanager
def workers(count: int, opened: Callable[[], "Examiner"]) -> Iterator[Workers]:
    """Start `count` processes, which share the cores of this machine; opened: makes the examiner in each of them."""
    from dlkit.machine.hardware import usable_cores

    threads = max(1, int(usable_cores()) // count)
    pool = ProcessPoolExecutor(count, get_context("spawn"), _start, (pickle.dumps(opened), threads))
    try:
        resource_tracker.ensure_running()  # it would unblock the interrupts
        with _without_interrupts():
            for _ in range(count):  # each starts one
                pool.submit(os.getpid)
        yield Workers(pool, count)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Start processes that never see Ctrl-C, because the one that starts them answers it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(opened: bytes, threads: int) -> None:
    """Prepare a process: TensorFlow first, without its messages, then what `opened` needs."""
    from dlkit.machine.tensorflow import start_tensorflow

    threading.Thread(target=_end_with_parent, daemon=True).start()
    set_variable(THREADS, str(threads))
    start_tensorflow()
    _own.append(pickle.loads(opened)())


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _computed(first: int, last: int) -> list[tuple["Examined", Sequence[Any]]]:
    """Return the batches first <= batch < last, each with its own sums for the metrics."""
    (examiner,) = _own
    found: list[tuple[Examined, Sequence[Any]]] = []
    for number in range(first, last):
        examiner.network.reset_metrics()
        (batch,) = examiner.batches(number, number + 1)
        found.append((replace(batch, network=None), [variable.numpy() for variable in _sums(examiner.network)]))
    return found


def _sums(network: Any) -> list[Any]:
    return [variable for metric in network.metrics for variable in metric.variables]
