"""L1 regularisation in the convention of deck 004."""

from typing import Annotated, Any

import keras
from keras import ops
from pydantic import Field


@keras.saving.register_keras_serializable(package="dlkit")
class L1PerExample(keras.regularizers.Regularizer):
    """Adds the penalty lambda/n sum |w|, where n is the number of training examples (deck 004).

    Equals Keras' L1 with l1 = lambda/n: a step of size eta moves each weight by eta lambda/n towards zero.
    """

    def __init__(self, *, lambda_: Annotated[float, Field(ge=0)], examples: Annotated[int, Field(ge=1)]) -> None:
        self.lambda_ = lambda_
        self.examples = examples

    def __call__(self, weights: Any) -> Any:
        """Return the scalar penalty for weights of any shape."""
        return self.lambda_ / self.examples * ops.sum(ops.abs(weights))

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {"lambda_": self.lambda_, "examples": self.examples}
