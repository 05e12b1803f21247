"""Deck 004: batch normalization in training, with running statistics, and with a full pass over the data."""

import numpy as np

from dlkit.errors import InputError
from dlkit.worked.fixtures import BATCH
from dlkit.worked.numbers import Matrix, Vector
from dlkit.worked.result import Grid, Value, Worked, table
from dlkit.worked.windows import check_positive


def work(
    rows: Matrix = BATCH,
    batch_size: int | None = None,
    gamma: Vector = (1,),
    beta: Vector = (0,),
    epsilon: float = 0.001,
    momentum: float = 0.99,
) -> Worked:
    """Batch normalization of examples (one per row): batch statistics, running ones, and those of all the data."""
    data = np.array(rows, float)
    size = batch_size or len(data)
    check_positive(batch_size=size)
    scale, shift = (_per_feature(name, value, data) for name, value in (("gamma", gamma), ("beta", beta)))
    if epsilon <= 0 or not 0 <= momentum < 1:
        raise InputError("epsilon is above 0, momentum from 0 to below 1", "such as epsilon=0.001 momentum=0.99")
    mean, variance, trained = np.zeros(data.shape[1]), np.ones(data.shape[1]), []
    statistics = []
    for number, start in enumerate(range(0, len(data), size)):
        batch = data[start : start + size]
        trained.append(_normalized(batch, batch.mean(0), batch.var(0), epsilon, scale, shift))
        mean = momentum * mean + (1 - momentum) * batch.mean(0)
        variance = momentum * variance + (1 - momentum) * batch.var(0)
        statistics.append([str(number), *batch.mean(0), *batch.var(0), *mean, *variance])
    running = _normalized(data, mean, variance, epsilon, scale, shift)
    full = _normalized(data, data.mean(0), data.var(0), epsilon, scale, shift)
    features = [str(place) for place in range(1, data.shape[1] + 1)]
    names = [
        f"{word} {place}" for word in ("mean", "variance", "running mean", "running variance") for place in features
    ]
    return Worked(
        "Batch normalization: gamma (x - mean)/sqrt(variance + epsilon) + beta",
        (
            _grid("x", data, ""),
            table("batches", ("batch", *names), statistics, f"running: m := {momentum:g} m + {1 - momentum:g} m_batch"),
            _grid("in training", np.concatenate(trained), "mean and variance of each batch"),
            _grid("at inference, running", running, "running mean and variance, from 0 and 1"),
            _grid("at inference, full pass", full, "mean and variance of all rows, as in deck 004"),
        ),
        (_first(data, size, epsilon, scale, shift, trained[0][0, 0]),),
        ("gamma = sqrt(variance + epsilon) and beta = mean restore x; the deck's gamma = sigma does so only nearly",),
    )


def _normalized(
    x: np.ndarray, mean: np.ndarray, variance: np.ndarray, epsilon: float, gamma: np.ndarray, beta: np.ndarray
) -> np.ndarray:
    return np.asarray(gamma * (x - mean) / np.sqrt(variance + epsilon) + beta)


def _first(data: np.ndarray, size: int, epsilon: float, gamma: np.ndarray, beta: np.ndarray, value: float) -> Value:
    batch = data[:size, 0]
    text = f"{gamma[0]:g}*({batch[0]:g} - {batch.mean():g})/sqrt({batch.var():g} + {epsilon:g}) + {beta[0]:g}"
    return Value("first value, in training", text, float(value))


def _grid(name: str, values: np.ndarray, formula: str) -> Grid:
    return table(name, [f"feature {place}" for place in range(1, values.shape[1] + 1)], values, formula, 7)


def _per_feature(name: str, value: Vector, data: np.ndarray) -> np.ndarray:
    values = np.array(value, float)
    if len(values) not in (1, data.shape[1]):
        raise InputError(
            f"{name} has {len(values)} numbers for {data.shape[1]} features", "give one, or one per feature"
        )
    return np.broadcast_to(values, data.shape[1])
