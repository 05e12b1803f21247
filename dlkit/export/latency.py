"""Measure how long artefacts take: after a warm-up, in interleaved rounds, each in a process of its own."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.export.certificate import exporter_of, threads
from dlkit.export.reader import Reader
from dlkit.export.stored import load_samples
from dlkit.machine.environment import processor
from dlkit.model.trained import TrainedModel

BATCHES = (1, 64)
LARGE_VALUES, LARGE_BATCH = 200_000, 4
ROUNDS, ROUND_SECONDS, MOST_CALLS, WARM_UP = 7, 0.1, 200, 3


def measure(artefacts: Sequence[tuple[TrainedModel, str, Path]], rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """Return the latency of each artefact (run, format, folder), as certificates state it.

    Every artefact computes with the same number of threads. In each round all artefacts take their turn, so that what
    else the machine does meets all of them; a turn takes about 0.1 s.
    """
    found: list[dict[str, Any]] = [_conditions(rounds) for _ in artefacts]
    with ExitStack() as stack:
        turns = []
        for trained, format_name, folder in artefacts:
            exporter = exporter_of(format_name)
            samples = trained.built.samples(load_samples(trained.run))
            reader = stack.enter_context(Reader(exporter, folder, threads()))
            turns.append((reader, *exporter.main_input(trained.built, samples)))
        for size in BATCHES if _are_small(turns) else (1, LARGE_BATCH):
            batches = [(reader, key, values[np.arange(size) % len(values)]) for reader, key, values in turns]
            for result, seconds in zip(found, _rounds(batches, rounds), strict=True):
                result["batches"][str(size)] = _summary(seconds, size)
    return found


def _are_small(turns: list[tuple[Reader, str, np.ndarray]]) -> bool:
    """Return whether 64 examples fit into the memory of pixel networks, which keep many values for each pixel."""
    return all(values[:1].size <= LARGE_VALUES for _, _, values in turns)


def _conditions(rounds: int) -> dict[str, Any]:
    return {
        "threads": threads(),
        "processor": processor(),
        "warm_up": WARM_UP,
        "rounds": rounds,
        "interleaved": True,
        "batches": {},
    }


def _rounds(turns: list[tuple[Reader, str, np.ndarray]], rounds: int) -> list[list[list[float]]]:
    """Return the seconds of every call, by artefact and round."""
    calls = []
    for reader, key, batch in turns:
        warm = reader.seconds(key, batch, WARM_UP)
        calls.append(int(np.clip(ROUND_SECONDS / max(min(warm), 1e-6), 1, MOST_CALLS)))
    found: list[list[list[float]]] = [[] for _ in turns]
    for _ in range(rounds):
        for seconds, (reader, key, batch), count in zip(found, turns, calls, strict=True):
            seconds.append(reader.seconds(key, batch, count))
    return found


def _summary(rounds: list[list[float]], size: int) -> Mapping[str, Any]:
    """Return the median and the 99th percentile of all calls, and the spread of the rounds' medians, in ms."""
    calls = np.concatenate([np.asarray(seconds) for seconds in rounds])
    medians = [float(np.median(seconds)) for seconds in rounds]
    median = float(np.median(calls))
    return {
        "p50_ms": 1000 * median,
        "p99_ms": 1000 * float(np.percentile(calls, 99)),
        "spread_ms": [1000 * min(medians), 1000 * max(medians)],
        "examples_per_second": size / median,
        "calls": len(calls),
    }
