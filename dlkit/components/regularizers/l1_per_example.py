"""L1 in deck 004's convention."""

from typing import Annotated, Any

import keras
from keras import ops
from pydantic import Field


@keras.saving.register_keras_serializable(package="dlkit")
class L1PerExample(keras.regularizers.Regularizer):
    """lambda R with R = 1/n sum |w|, n the number of training examples (deck 004).

    The same as Keras' L1 with l1 = lambda/n: a step of size eta moves each weight by eta lambda/n towards zero.
    """

    def __init__(self, *, lambda_: Annotated[float, Field(ge=0)], examples: Annotated[int, Field(ge=1)]) -> None:
        self.lambda_ = lambda_
        self.examples = examples

    def __call__(self, weights: Any) -> Any:
        """The penalty, a number, for weights of any shape."""
        return self.lambda_ / self.examples * ops.sum(ops.abs(weights))

    def get_config(self) -> dict[str, Any]:
        """The settings, for saving."""
        return {"lambda_": self.lambda_, "examples": self.examples}
