"""Weights with a constant norm."""

from typing import Annotated, Any

import keras
from keras import ops
from pydantic import Field


@keras.saving.register_keras_serializable(package="dlkit")
class FrobeniusNorm(keras.constraints.Constraint):
    """Rescales a weight to the Frobenius norm `norm`, by default the square root of its number of units or filters.

    A layer followed by batch normalisation, directly or after ReLU, does not depend on the norm; keeping it constant
    makes the learning rate the step size relative to the weight (Jordan, 2024, with Muon). With a smooth activation
    such as SiLU or GELU in between, the norm does matter: for small norms the activation is almost linear.
    """

    def __init__(self, *, norm: Annotated[float, Field(gt=0)] | None = None) -> None:
        self.norm = norm

    def __call__(self, w: Any) -> Any:
        """Return the rescaled weight, of any shape."""
        wanted = w.shape[-1] ** 0.5 if self.norm is None else self.norm
        return w * (wanted / (ops.norm(ops.reshape(w, (-1,))) + keras.config.epsilon()))

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {"norm": self.norm}
