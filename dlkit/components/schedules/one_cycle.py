"""One learning-rate cycle over the whole training."""

from typing import Annotated, Any, Literal

import keras
from keras import ops
from pydantic import Field


@keras.saving.register_keras_serializable(package="dlkit")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Raises the learning rate linearly to `max_learning_rate`, then lowers it to `final_learning_rate`.

    Smith (2018), arXiv 1803.09820, without the cycle of the momentum. warmup: the share of all steps spent rising from
    `initial_learning_rate`. decay: the descent, along a half cosine or linearly. total_steps: the number of updates in
    the cycle; by default that of the training (or of the phase), whatever its epochs and batches.
    """

    def __init__(
        self,
        *,
        max_learning_rate: Annotated[float, Field(gt=0)],
        initial_learning_rate: Annotated[float, Field(ge=0)] = 0.0,
        final_learning_rate: Annotated[float, Field(ge=0)] = 0.0,
        warmup: Annotated[float, Field(gt=0, lt=1)] = 0.25,
        decay: Literal["cosine", "linear"] = "cosine",
        total_steps: Annotated[int, Field(ge=2)] | None = None,
    ) -> None:
        super().__init__()
        self.max_learning_rate = max_learning_rate
        self.initial_learning_rate = initial_learning_rate
        self.final_learning_rate = final_learning_rate
        self.warmup = warmup
        self.decay = decay
        self.total_steps = total_steps

    def __call__(self, step: Any) -> Any:
        """Return the float32 learning rate of update number `step`, from 0; raise ValueError without total_steps."""
        if self.total_steps is None:
            raise ValueError("OneCycle needs total_steps outside of training")
        done = ops.cast(step, "float32") / self.total_steps
        up = ops.minimum(done / self.warmup, 1.0)
        down = ops.clip((done - self.warmup) / (1 - self.warmup), 0.0, 1.0)
        if self.decay == "cosine":
            down = (1 - ops.cos(down * 3.141592653589793)) / 2
        rising = self.initial_learning_rate + up * (self.max_learning_rate - self.initial_learning_rate)
        return rising - down * (self.max_learning_rate - self.final_learning_rate)

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {
            "max_learning_rate": self.max_learning_rate,
            "initial_learning_rate": self.initial_learning_rate,
            "final_learning_rate": self.final_learning_rate,
            "warmup": self.warmup,
            "decay": self.decay,
            "total_steps": self.total_steps,
        }
