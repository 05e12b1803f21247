"""The queue of a model: batches of what waited, in order of arrival, with a bound, deadlines, callers that give up."""

import asyncio
import threading
import time

import numpy as np
import pytest
from served_models import Echo, HalfPlusTwo, Slow, half

from dlkit.serving import batching
from dlkit.serving.batching import Batcher
from dlkit.serving.limits import Limits
from dlkit.serving.signature import DEFAULT, TensorSpec
from dlkit.serving.status import Code, Refused


def asked(batcher, *values, seconds=20.0):
    """A request with these values of x."""
    return asyncio.ensure_future(batcher.outputs(DEFAULT, {"x": np.array(values, "float32")}, seconds))


async def entered(slow):
    """Wait until the thread computes."""
    await asyncio.to_thread(slow.entered.acquire)


def run(main):
    return asyncio.run(main())


def test_what_waits_while_a_batch_is_computed_is_the_next_batch_in_order():
    async def main():
        slow = Slow()
        batcher = Batcher(slow, Limits(batch=8))
        requests = [asked(batcher, 0)]
        await entered(slow)
        requests += [asked(batcher, value, value + 0.5) for value in range(1, 7)]
        await asyncio.sleep(0)
        assert batcher.waiting == 6
        slow.free.set()
        answers = await asyncio.gather(*requests)
        await batcher.close()
        return slow, answers

    slow, answers = run(main)
    assert slow.sizes == [1, 8, 4]
    assert slow.seen == [0, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5]
    assert [answer["y"].tolist() for answer in answers] == [[2.0]] + [[half(v), half(v + 0.5)] for v in range(1, 7)]


class Where(HalfPlusTwo):
    """Half plus two, which notes the threads and the sizes of its batches, and may take its time."""

    def __init__(self, seconds=0.0):
        self.seconds, self.threads, self.sizes = seconds, [], []

    def run(self, signature, inputs):
        time.sleep(self.seconds)
        self.threads.append(threading.current_thread().name)
        self.sizes.append(len(inputs["x"]))
        return super().run(signature, inputs)


def test_requests_that_come_one_by_one_are_soon_computed_without_a_second_thread(monkeypatch):
    monkeypatch.setattr(batching, "QUICK_SECONDS", 20)

    async def main():
        where = Where()
        batcher = Batcher(where, Limits())
        answers = [await asked(batcher, value) for value in range(5)]
        together = await asyncio.gather(*(asked(batcher, value) for value in range(3)))
        await batcher.close()
        return where, answers, together

    where, answers, together = run(main)
    assert [answer["y"].tolist() for answer in answers] == [[half(value)] for value in range(5)]
    assert [answer["y"].tolist() for answer in together] == [[half(value)] for value in range(3)]
    assert where.threads[:5] == ["model"] * 3 + ["MainThread"] * 2
    assert set(where.threads[5:]) == {"model"}  # those that arrive together wait in the queue
    assert sum(where.sizes) == 8


def test_a_model_that_is_not_quick_never_stops_the_event_loop():
    async def main():
        where = Where(seconds=0.004)
        batcher = Batcher(where, Limits())
        for value in range(6):
            await asked(batcher, value)
        await batcher.close()
        return where

    assert set(run(main).threads) == {"model"}


def test_an_error_of_a_lone_request_is_its_own(monkeypatch):
    monkeypatch.setattr(batching, "QUICK_SECONDS", 20)

    async def main():
        batcher = Batcher(HalfPlusTwo(), Limits())
        for value in range(4):
            await asked(batcher, value)
        with pytest.raises(KeyError):
            await asyncio.ensure_future(batcher.outputs(DEFAULT, {"z": np.ones(1, "float32")}, 20.0))
        after = await asked(batcher, 6)
        await batcher.close()
        return after

    assert run(main)["y"].tolist() == [5.0]


def test_a_request_of_another_shape_is_not_overtaken():
    class Recorder(Echo):
        def run(self, signature, inputs):
            entered.set()
            assert free.wait(20)
            shapes.append(inputs["x"].shape)
            return super().run(signature, inputs)

    shapes, entered, free = [], threading.Event(), threading.Event()
    echo = Recorder(**{DEFAULT: {"x": TensorSpec("float32", (None, None))}})

    async def main():
        batcher = Batcher(echo, Limits())
        rows = [np.zeros((1, width), "float32") for width in (1, 1, 2, 1, 1)]
        requests = [asyncio.ensure_future(batcher.outputs(DEFAULT, {"x": rows[0]}, 20))]
        await asyncio.to_thread(entered.wait)
        requests += [asyncio.ensure_future(batcher.outputs(DEFAULT, {"x": row}, 20)) for row in rows[1:]]
        await asyncio.sleep(0)
        free.set()
        return [answer["x"].shape for answer in await asyncio.gather(*requests)]

    assert run(main) == [(1, 1), (1, 1), (1, 2), (1, 1), (1, 1)]
    assert shapes == [(1, 1), (1, 1), (1, 2), (2, 1)]


def test_a_full_queue_refuses_and_takes_again_once_it_is_shorter():
    async def main():
        slow = Slow()
        batcher = Batcher(slow, Limits(queue=2, batch=1))
        first = [asked(batcher, 0)]
        await entered(slow)
        first += [asked(batcher, 1), asked(batcher, 2)]
        await asyncio.sleep(0)
        with pytest.raises(Refused) as refused:
            await asked(batcher, 3)
        slow.free.set()
        await asyncio.gather(*first)
        later = await asked(batcher, 4)
        return refused.value, slow.seen, later["y"].tolist()

    refused, seen, later = run(main)
    assert (refused.code, refused.http) == (Code.RESOURCE_EXHAUSTED, 429)
    assert "2 requests wait for this model already" in refused.message
    assert (seen, later) == ([0, 1, 2, 4], [4.0])


def test_a_deadline_counts_waiting_and_what_is_late_is_not_computed():
    async def main():
        slow = Slow()
        batcher = Batcher(slow, Limits())
        first = asked(batcher, 0)
        await entered(slow)
        with pytest.raises(Refused) as late:
            await asked(batcher, 1, seconds=0.05)
        assert batcher.waiting == 0
        slow.free.set()
        await first
        await batcher.close()
        return late.value, slow.seen

    late, seen = run(main)
    assert (late.code, late.http) == (Code.DEADLINE_EXCEEDED, 504)
    assert late.message == "no answer within 0.05 s, waiting included"
    assert seen == [0]


def test_a_caller_that_gives_up_leaves_the_queue():
    async def main():
        slow = Slow()
        batcher = Batcher(slow, Limits())
        first = asked(batcher, 0)
        await entered(slow)
        second, third = asked(batcher, 1), asked(batcher, 2)
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        assert batcher.waiting == 1
        slow.free.set()
        await asyncio.gather(first, third)
        return slow.seen

    assert run(main) == [0, 2]


def test_one_request_that_fails_does_not_spoil_the_others_of_its_batch():
    async def main():
        slow = Slow()
        batcher = Batcher(slow, Limits())
        first = asked(batcher, 0)
        await entered(slow)
        others = [asked(batcher, 1), asked(batcher, -1), asked(batcher, 2)]
        await asyncio.sleep(0)
        slow.free.set()
        await first
        return await asyncio.gather(*others, return_exceptions=True)

    one, wrong, two = run(main)
    assert (one["y"].tolist(), two["y"].tolist()) == ([2.5], [3.0])
    assert isinstance(wrong, ValueError)


def test_an_output_without_a_row_per_example_is_an_error():
    class Short(HalfPlusTwo):
        def run(self, signature, inputs):
            return {"y": np.zeros(1, "float32")}

    async def main():
        with pytest.raises(Refused, match="output y of the model has no row per example") as refused:
            await asked(Batcher(Short(), Limits()), 1, 2)
        return refused.value.http

    assert run(main) == 500


def test_closing_answers_what_waits():
    async def main():
        slow = Slow()
        batcher = Batcher(slow, Limits(batch=1))
        requests = [asked(batcher, value) for value in range(4)]
        await entered(slow)
        closing = asyncio.ensure_future(batcher.close())
        await asyncio.sleep(0.01)
        assert not closing.done()
        slow.free.set()
        await closing
        return [request.done() and request.result()["y"].tolist() for request in requests]

    assert run(main) == [[half(value)] for value in range(4)]
