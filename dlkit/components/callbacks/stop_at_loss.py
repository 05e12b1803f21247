"""Stops training once the loss is small enough."""

from typing import Any

import keras


class StopAtLoss(keras.callbacks.Callback):
    """Stops after the first epoch whose `monitor` is below `loss`, as the worked single neuron of deck 000 does."""

    def __init__(self, *, loss: float, monitor: str = "loss") -> None:
        super().__init__()
        self.loss = loss
        self.monitor = monitor

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Stop when the epoch's monitored value is below the bound; KeyError names what can be monitored."""
        values = logs or {}
        if self.monitor not in values:
            raise KeyError(f"StopAtLoss cannot monitor {self.monitor!r}; there is {', '.join(values)}")
        if values[self.monitor] < self.loss:
            self.model.stop_training = True
