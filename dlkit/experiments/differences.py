"""Compare the gradients of a function with numeric differentiation, direction by direction, in float64.

Where a function can be computed with complex numbers, the slope is the imaginary part of f(x + ih)/h, which is exact to
rounding (Squire and Trapp, 1998). Where it cannot, it is that of central differences: most of TensorFlow's kernels take
no complex128, some of Keras' operations pass through complex64, and kinks have no complex form.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

STEPS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
TOLERANCE = 1e-6
FLOOR = 1e-3
COMPLEX_STEP, EXACT = 1e-30, 1e-11

COMPLEX, CENTRAL = "complex step", "central differences"
Function = Callable[[], Any]
Stepped = Callable[[int, Any], Any]


@dataclass(frozen=True)
class Compared:
    """The largest relative error of one variable's gradient, over so many directions, and how it was found."""

    directions: int
    error: float
    method: str = CENTRAL


def compare(
    function: Function,
    variables: Sequence[Any],
    entries: int,
    draws: np.random.Generator,
    stepped: Stepped | None = None,
) -> list[Compared]:
    """Return how far backpropagation is from numeric differentiation, for each variable that a function reads.

    function: returns float64 terms, whose sum is differentiated. variables: tf.Variable, float64. entries: single
    entries to try in each, drawn, beside one direction in which all entries change. stepped: (number of a variable, its
    complex value) -> the same terms, where the function may take complex numbers.

    An error is relative to the largest slope of its variable, or to FLOOR times that of all variables.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        for variable in variables:
            tape.watch(variable)
        result = function()
    gradients = [_array(gradient, v) for v, gradient in zip(variables, tape.gradient(result, variables), strict=True)]
    chosen = [_directions(variable.shape, entries, draws) for variable in variables]
    slopes = [[float(np.vdot(g, d)) for d in found] for g, found in zip(gradients, chosen, strict=True)]
    floor = FLOOR * max((abs(slope) for found in slopes for slope in found), default=0.0)
    return [
        _exact(stepped, number, variable, directions, found, floor)
        or _compared(function, variable, directions, found, floor)
        for number, (variable, directions, found) in enumerate(zip(variables, chosen, slopes, strict=True))
    ]


def _exact(
    stepped: Stepped | None,
    number: int,
    variable: Any,
    directions: Sequence[np.ndarray],
    slopes: Sequence[float],
    floor: float,
) -> Compared | None:
    """Return the comparison by complex steps, or None where they are impossible or do not confirm every slope."""
    if stepped is None:
        return None
    scale = max([floor, *map(abs, slopes)])
    errors = []
    for direction, slope in zip(directions, slopes, strict=True):
        try:
            terms = tf.convert_to_tensor(stepped(number, tf.constant(variable.numpy() + 1j * COMPLEX_STEP * direction)))
        except (ValueError, TypeError, tf.errors.OpError):
            return None
        if terms.dtype != tf.complex128:
            return None
        errors.append(abs(float(np.sum(np.asarray(terms).imag)) / COMPLEX_STEP - slope) / (scale or 1.0))
    worst = max(errors, default=np.inf)
    return Compared(len(directions), worst, COMPLEX) if worst <= EXACT else None


def _compared(
    function: Function, variable: Any, directions: Sequence[np.ndarray], slopes: Sequence[float], floor: float
) -> Compared:
    scale = max([floor, *map(abs, slopes)])
    pairs = list(zip(directions, slopes, strict=True))
    found = [_nearest(function, variable, direction, slope, scale) for direction, slope in pairs]
    errors = [abs(value - slope) for value, slope in zip(found, slopes, strict=True)]
    worst = max(errors) if np.isfinite(errors).all() else np.inf
    return Compared(len(directions), float(worst / max([scale, *map(abs, found)])) if worst else 0.0)


def _nearest(function: Function, variable: Any, direction: np.ndarray, slope: float, scale: float) -> float:
    """Return the numeric slope; the step is made smaller while it disagrees with the slope of backpropagation.

    A large step may reach over a kink, such as that of ReLU, and a small one suffers from rounding; a wrong gradient
    agrees with no step.
    """
    tried: list[float] = []
    for step in STEPS:
        tried.append(_central(function, variable, direction, step))
        if abs(tried[-1] - slope) <= TOLERANCE / 10 * scale:
            break
    return min(tried, key=lambda found: abs(found - slope))


def _central(function: Function, variable: Any, direction: np.ndarray, step: float) -> float:
    """Return the slope by central differences of fourth order."""
    value = variable.numpy()

    def at(number: int) -> np.ndarray:
        variable.assign(value + number * step * direction)
        return np.asarray(function())

    near, far = at(1) - at(-1), at(2) - at(-2)
    variable.assign(value)
    return float(np.sum(8 * near - far)) / (12 * step)  # a sum of differences rounds less than the reverse


def _directions(shape: Any, entries: int, draws: np.random.Generator) -> list[np.ndarray]:
    """Return single entries, all of them if there are few, and one random direction; all of length 1."""
    size = int(np.prod(shape))
    numbers = draws.permutation(size)[:entries]
    everywhere = draws.normal(size=size)
    units = [np.eye(1, size, int(number))[0] for number in numbers]
    return [unit.reshape(shape) for unit in (*units, everywhere / np.linalg.norm(everywhere))]


def _array(gradient: Any, variable: Any) -> np.ndarray:
    """Return a gradient as an array; zeros where the function does not depend on the variable."""
    return np.zeros(variable.shape) if gradient is None else np.asarray(tf.convert_to_tensor(gradient))
