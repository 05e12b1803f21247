"""Compute the batches of a split in several processes of this machine.

A batch is computed by one process, and its sums for the metrics are added in the order of the batches, so the number of
processes does not change the result.
"""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context, parent_process
from typing import Any

import keras

from dlkit.errors import MissingError
from dlkit.evaluation.examine import Examiner
from dlkit.interfaces.task import Examined
from dlkit.machine.hardware import usable_cores
from dlkit.machine.tensorflow import start_tensorflow
from dlkit.process import THREADS, set_variable

# Batches that a process computes without asking for more, and such tasks in advance for each process.
_BATCHES, _AHEAD = 4, 2

Opened = Callable[[], Examiner]
_own: list[Examiner] = []


@dataclass(frozen=True)
class Workers:
    """Processes that have opened the same run and split, and the number of their batches' sums to add."""

    pool: ProcessPoolExecutor
    count: int

    def batches(self, examiner: Examiner) -> Iterator[Examined]:
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
def workers(count: int, opened: Opened) -> Iterator[Workers]:
    """Start `count` processes, which share the cores of this machine; opened: makes the examiner in each of them."""
    threads = max(1, int(usable_cores()) // count)
    pool = ProcessPoolExecutor(count, get_context("spawn"), _start, (opened, threads))
    try:
        yield Workers(pool, count)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start(opened: Opened, threads: int) -> None:
    """Prepare a process; the one that started it answers Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    set_variable(THREADS, str(threads))
    start_tensorflow()
    _own.append(opened())


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _computed(first: int, last: int) -> list[tuple[Examined, Sequence[Any]]]:
    """Return the batches first <= batch < last, each with its own sums for the metrics."""
    (examiner,) = _own
    found: list[tuple[Examined, Sequence[Any]]] = []
    for number in range(first, last):
        examiner.network.reset_metrics()
        (batch,) = examiner.batches(number, number + 1)
        found.append((replace(batch, network=None), [variable.numpy() for variable in _sums(examiner.network)]))
    return found


def _sums(network: keras.Model) -> list[Any]:
    return [variable for metric in network.metrics for variable in metric.variables]
