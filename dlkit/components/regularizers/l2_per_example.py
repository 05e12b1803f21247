"""L2 regularisation in the convention of deck 004."""

from typing import Annotated, Any

import keras
from keras import ops
from pydantic import Field


@keras.saving.register_keras_serializable(package="dlkit")
class L2PerExample(keras.regularizers.Regularizer):
    """Adds the penalty lambda/(2n) sum w^2, where n is the number of training examples (deck 004, weight decay).

    Equals Keras' L2 with l2 = lambda/(2n): a step of size eta scales each weight by 1 - eta lambda/n.
    """

    def __init__(self, *, lambda_: Annotated[float, Field(ge=0)], examples: Annotated[int, Field(ge=1)]) -> None:
        self.lambda_ = lambda_
        self.examples = examples

    def __call__(self, weights: Any) -> Any:
        """Return the scalar penalty for weights of any shape."""
        return self.lambda_ / (2 * self.examples) * ops.sum(ops.square(weights))

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {"lambda_": self.lambda_, "examples": self.examples}
