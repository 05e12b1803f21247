"""Weights of a constant norm."""

from typing import Annotated, Any

import keras
from keras import ops
from pydantic import Field


@keras.saving.register_keras_serializable(package="dlkit")
class FrobeniusNorm(keras.constraints.Constraint):
    """All entries of a weight together keep the norm `norm`, by default the square root of its units or filters.

    What batch normalisation follows, directly or after relu, does not depend on the norm; a constant one makes the
    learning rate the size of the step relative to the weight (Jordan, 2024, with Muon). An activation between the two
    that bends smoothly, such as silu or gelu, does depend on it: a small norm leaves it almost a straight line.
    """

    def __init__(self, *, norm: Annotated[float, Field(gt=0)] | None = None) -> None:
        self.norm = norm

    def __call__(self, w: Any) -> Any:
        """The weight, of any shape, scaled."""
        wanted = w.shape[-1] ** 0.5 if self.norm is None else self.norm
        return w * (wanted / (ops.norm(ops.reshape(w, (-1,))) + keras.config.epsilon()))

    def get_config(self) -> dict[str, Any]:
        """The settings, for saving."""
        return {"norm": self.norm}
