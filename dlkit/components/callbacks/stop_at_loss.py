"""A callback that stops training once the loss is small enough."""

from typing import Any

import keras


class StopAtLoss(keras.callbacks.Callback):
    """Stops after the first epoch whose `monitor` is below `loss`, as in the worked single neuron of deck 000."""

    def __init__(self, *, loss: float, monitor: str = "loss") -> None:
        super().__init__()
        self.loss = loss
        self.monitor = monitor

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Stop if the monitored value is below the bound; raise KeyError with the available names if it is missing."""
        values = logs or {}
        if self.monitor not in values:
            raise KeyError(f"StopAtLoss cannot monitor {self.monitor!r}; available: {', '.join(values)}")
        if values[self.monitor] < self.loss:
            self.model.stop_training = True
