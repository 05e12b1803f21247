"""Measure on this machine where a training's time goes, with the recipe's own network and data."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from dlkit.errors import DlkitError
from dlkit.interfaces.reporter import Reporter
from dlkit.recipe import load_recipe
from dlkit.training.loop import Training
from dlkit.training.prepare import prepare

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe

SECONDS = 2.0
PEAK_SIZE = 2048
FASTER = 1.1


@dataclass(frozen=True)
class Speed:
    """The cost of a training step.

    step_seconds: of the whole loop. compute_seconds: of the same step on a batch already in memory, and at most
    step_seconds, which noise may exceed. input_wait_seconds: the difference of the two. examples_per_second: of the
    loop. operations: floating-point operations of one step, counted in its graph. peak: of the machine, in operations
    per second, measured with a matrix product unless the step itself is faster. faster: the speed-up of each setting
    that was tried and is faster.
    """

    batch_size: int
    step_seconds: float
    compute_seconds: float
    input_wait_seconds: float
    examples_per_second: float
    operations: int
    peak: float
    faster: dict[str, float] = field(default_factory=dict)

    @property
    def share_of_peak(self) -> float:
        """Return the step's operations per second as a share of the machine's peak."""
        return self.operations / self.step_seconds / self.peak

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form."""
        return asdict(self) | {"share_of_peak": self.share_of_peak}


def explain_speed(loaded: "LoadedRecipe") -> Speed:
    """Measure a recipe's step, then try settings of the recipe that may be faster; write nothing."""
    speed = _measured(loaded)
    tried = {name: _examples_per_second(loaded, overrides) for name, overrides in _alternatives(loaded).items()}
    gains = {name: round(rate / speed.examples_per_second, 2) for name, rate in tried.items() if rate is not None}
    return Speed(**(vars(speed) | {"faster": {name: gain for name, gain in gains.items() if gain >= FASTER}}))


def _measured(loaded: "LoadedRecipe") -> Speed:
    training = _started(loaded)
    steps = training.steps
    stream, step = steps.stream(0, 10**9), steps.fixed_step()
    fixed = steps.repeated(step)
    whole = _seconds_per_step(lambda count: steps.take(stream, count))
    compute = min(_seconds_per_step(fixed), whole)
    size = min(loaded.recipe.training.batch_size, steps.examples)
    operations = _operations(step)
    peak = max(machine_peak(), operations / whole)
    return Speed(size, whole, compute, whole - compute, size / whole, operations, peak)


def _alternatives(loaded: "LoadedRecipe") -> dict[str, list[str]]:
    """Return overrides that may be faster; they change results, so dlkit only reports them."""
    training = loaded.recipe.training
    found = {f"training.batch_size={2 * training.batch_size}": [f"training.batch_size={2 * training.batch_size}"]}
    if training.precision == "float32":
        found["training.precision=mixed_bfloat16"] = ["training.precision=mixed_bfloat16"]
    elif training.precision == "float64":
        found["training.precision=float32"] = ["training.precision=float32"]
    return found


def _examples_per_second(loaded: "LoadedRecipe", overrides: list[str]) -> float | None:
    """Return the examples per second with other settings, or None where the recipe does not allow them."""
    try:
        training = _started(load_recipe(loaded.path, [*loaded.overrides, *overrides]))
    except DlkitError:
        return None
    steps = training.steps
    stream = steps.stream(0, 10**9)
    size = min(training.recipe.training.batch_size, steps.examples)
    return size / _seconds_per_step(lambda count: steps.take(stream, count))


def _started(loaded: "LoadedRecipe") -> Training:
    training = Training(loaded.recipe, prepare(loaded), Reporter())
    training.start()
    return training


def _seconds_per_step(take: Callable[[int], Any]) -> float:
    """Return the median seconds per step over several calls of about SECONDS in total, after a warm-up."""
    take(1)
    count = max(1, int(SECONDS / 10 / _timed(take, 1)))
    return float(np.median([_timed(take, count) / count for _ in range(5)]))


def _timed(take: Callable[[int], Any], count: int) -> float:
    started = time.perf_counter()
    take(count)
    return time.perf_counter() - started


def _operations(step: Callable[[], Any]) -> int:
    """Return the floating-point operations of one training step, as TensorFlow's profiler counts them in its graph."""
    graph = tf.function(step, autograph=False).get_concrete_function().graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    with _quiet():
        return int(tf.compat.v1.profiler.profile(graph, options=options).total_float_ops)


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the profiler's deprecation warnings."""
    before = tf.compat.v1.logging.get_verbosity()
    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    try:
        yield
    finally:
        tf.compat.v1.logging.set_verbosity(before)


def machine_peak() -> float:
    """Return the operations per second of a large float32 matrix product, with the threads that training uses."""
    matrix = tf.random.normal((PEAK_SIZE, PEAK_SIZE))
    product = tf.function(lambda: tf.reduce_sum(matrix @ matrix))
    product().numpy()
    seconds = min(_timed(lambda _: product().numpy(), 1) for _ in range(5))
    return 2 * PEAK_SIZE**3 / seconds
