"""Answer requests in batches, in order of arrival, without a timer: a batch is what arrived during the last one.

A model has one thread for computing. While it works, requests wait in a bounded queue; when it is free, it takes those
at the front that fit together. Nobody waits for others to arrive, and nobody is overtaken. A request that comes alone
to a quick model is computed in the event loop's thread: to wake another thread twice would take as long as the answer.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlkit.serving.backends.backend import Backend
from dlkit.serving.limits import Limits
from dlkit.serving.status import Code, Refused

Arrays = Mapping[str, np.ndarray]
QUICK_SECONDS = 0.002  # the longest computation for which the event loop may stand still
LONE_BATCHES = 3  # batches of one request in a row, after which the next request is expected to be alone


@dataclass(slots=True, eq=False)
class Waiting:
    """A request that waits: its inputs, and the future for its outputs."""

    signature: str
    inputs: Arrays
    answer: "asyncio.Future[Arrays]"
    rows: int = field(init=False)
    kind: tuple[Any, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = len(next(iter(self.inputs.values())))
        self.kind = (self.signature, *((array.shape[1:], array.dtype) for array in self.inputs.values()))


class Batcher:
    """The queue of one loaded model and its thread; all methods are called in the event loop's thread.

    The thread takes batches by itself, so that it never waits for the loop while requests wait. computed: called in the
    thread with the number of examples of every batch.
    """

    def __init__(self, backend: Backend, limits: Limits, computed: Callable[[int], None] = lambda rows: None) -> None:
        self._backend, self._limits, self._computed = backend, limits, computed
        self._queue: deque[Waiting] = deque()
        self._changed, self._closing = threading.Condition(), False
        self._arriving, self._busy, self._lone = 0, False, 0
        self._loop, self._drawing = asyncio.get_running_loop(), asyncio.Lock()
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Return how many requests wait."""
        return len(self._queue)

    async def outputs(self, signature: str, inputs: Arrays, seconds: float) -> Arrays:
        """Return the outputs for one request; raise Refused when the queue is full or the time is over.

        A request whose caller gives up (which cancels this coroutine) leaves the queue.
        """
        if len(self._queue) >= self._limits.queue:
            message = f"{len(self._queue)} requests wait for this model already; try again later"
            raise Refused(Code.RESOURCE_EXHAUSTED, message)
        waiting = Waiting(signature, inputs, self._loop.create_future())
        if await self._comes_alone():
            _deliver([waiting], self._outputs_of([waiting]))
            return waiting.answer.result()
        with self._changed:
            self._queue.append(waiting)
            self._changed.notify()
        timer = self._loop.call_later(seconds, self._expire, waiting, seconds)
        try:
            return await waiting.answer
        finally:
            timer.cancel()
            if waiting.answer.cancelled():
                self._leave(waiting)

    async def maps(self, inputs: Arrays) -> np.ndarray | None:
        """Return the first feature maps of one example, computed beside the batches."""
        async with self._drawing:
            return await asyncio.to_thread(self._backend.feature_maps, inputs)

    async def close(self) -> None:
        """Answer what waits, then end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        await asyncio.to_thread(self._thread.join)

    async def _comes_alone(self) -> bool:
        """Return whether nothing else has arrived, waits or is computed, as when the last requests came."""
        if self._lone < LONE_BATCHES:
            return False
        self._arriving += 1
        try:
            await asyncio.sleep(0)  # counts those that arrived in the same moment
            return self._arriving == 1 and not (self._queue or self._busy)
        finally:
            self._arriving -= 1

    def _expire(self, waiting: Waiting, seconds: float) -> None:
        if not waiting.answer.done():
            message = f"no answer within {seconds:g} s, waiting included"
            waiting.answer.set_exception(Refused(Code.DEADLINE_EXCEEDED, message))
            self._leave(waiting)

    def _leave(self, waiting: Waiting) -> None:
        with self._changed:
            if waiting in self._queue:
                self._queue.remove(waiting)

    def _work(self) -> None:
        """Compute batches until the queue is closed and empty."""
        while batch := self._take():
            found = self._outputs_of(batch)
            self._busy = False
            self._loop.call_soon_threadsafe(_deliver, batch, found)

    def _outputs_of(self, batch: list[Waiting]) -> list[Arrays | Exception]:
        """Return the outputs or errors of a batch; count its examples and the quick lone requests in a row."""
        self._computed(sum(waiting.rows for waiting in batch))
        began = time.perf_counter()
        found = _compute(self._backend, batch)
        lone = len(batch) == 1 and not self._queue and time.perf_counter() - began < QUICK_SECONDS
        self._lone = self._lone + 1 if lone else 0
        return found

    def _take(self) -> list[Waiting]:
        """Wait for requests; remove those at the front of the queue that fit into one batch, in order."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            self._busy = True  # before the queue is empty, for _comes_alone
            batch: list[Waiting] = []
            rows = 0
            while self._queue:
                first = self._queue[0]
                if batch and (first.kind != batch[0].kind or rows + first.rows > self._limits.batch):
                    break
                batch.append(self._queue.popleft())
                rows += first.rows
            return batch


def _deliver(batch: list[Waiting], found: list[Arrays | Exception]) -> None:
    """Give the outputs or errors to those who still wait for them."""
    for waiting, one in zip(batch, found, strict=True):
        if waiting.answer.done():
            continue
        if isinstance(one, Exception):
            waiting.answer.set_exception(one)
        else:
            waiting.answer.set_result(one)


def _compute(backend: Backend, batch: list[Waiting]) -> list[Arrays | Exception]:
    """Return the outputs of every request, or its error; one wrong request does not spoil the others."""
    if len(batch) == 1:
        return [_attempt(backend, batch)]
    outputs = _attempt(backend, batch)
    if isinstance(outputs, Exception):
        return [_attempt(backend, [waiting]) for waiting in batch]
    ends = np.cumsum([waiting.rows for waiting in batch])
    return [
        {name: array[end - waiting.rows : end] for name, array in outputs.items()}
        for waiting, end in zip(batch, ends, strict=True)
    ]


def _attempt(backend: Backend, batch: list[Waiting]) -> Arrays | Exception:
    """Return the outputs for the examples of all requests together, or the error."""
    try:
        inputs = {name: np.concatenate([waiting.inputs[name] for waiting in batch]) for name in batch[0].inputs}
        outputs = backend.run(batch[0].signature, inputs)
    except Exception as error:
        return error
    rows = sum(waiting.rows for waiting in batch)
    wrong = [name for name, array in outputs.items() if array.ndim == 0 or len(array) != rows]
    if wrong:
        return Refused(Code.INTERNAL, f"output {wrong[0]} of the model has no row per example")
    return outputs
