"""Regression: one or more values per example."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import keras
import numpy as np
from keras import ops

from dlkit.components.losses._on_normalized import OnNormalized, inverts
from dlkit.errors import InputError
from dlkit.figures.predicted_values import predicted_values_figure
from dlkit.interfaces.data import Description
from dlkit.interfaces.task import Examined, Report, TargetSpec, Task, joined, main_output, with_added


@dataclass(frozen=True, kw_only=True)
class Regression(Task):
    """Predicts values for every example, by default with mean squared error (deck 004).

    `loss` replaces the default, `metrics` adds to the defaults; `loss_weights` scales losses by output name. To scale
    the targets, end the network with `Normalization: {invert: true}`: it gets their mean and variance in train, the
    loss compares normalized values, and metrics, predictions and exports are in the units of the data.
    """

    loss: Any = None
    loss_weights: dict[str, float] = field(default_factory=dict)
    metrics: list = field(default_factory=list)

    has_units = True

    def target_spec(self, description: Description) -> TargetSpec:
        """Return the shape of the data's values; raise InputError if the targets are classes."""
        if description.class_names:
            raise InputError(
                "task regression needs values as targets, but the data has classes",
                "use task: classification, or a source whose targets are values",
            )
        return TargetSpec(description.targets.shape)

    def check(self, network: keras.Model, targets: TargetSpec) -> None:
        """Raise InputError unless the output has the shape of the targets."""
        shape = tuple(main_output(network.output).shape[1:])
        if shape != targets.shape:
            raise InputError(
                f"the last layer returns {list(shape)} for targets of shape {list(targets.shape)}",
                f"set the last layer's units to {targets.shape[-1]}",
            )

    def prepare_targets(self, targets: Any, inputs: Any, network: keras.Model) -> Any:
        """Return the values in the training precision."""
        return ops.cast(targets, keras.config.floatx())

    def loss_for(self, network: keras.Model) -> Any:
        """Return the recipe's loss, or mean squared error; of normalized values if the last layer inverts this."""
        loss = self.loss if self.loss is not None else keras.losses.MeanSquaredError()
        last = main_output(network.output)._keras_history.operation
        return OnNormalized(loss, last) if inverts(last) else loss

    def metrics_for(self, network: keras.Model) -> list[Any]:
        """Return mean absolute error `mae` and the recipe's metrics."""
        return with_added([keras.metrics.MeanAbsoluteError(name="mae")], self.metrics)

    def outputs(self, output: Any) -> dict[str, Any]:
        """Return the predicted `values`."""
        return {"values": output}

    def describe_prediction(self, outputs: Mapping[str, Any], class_names: tuple[str, ...]) -> dict[str, Any]:
        """Return the predicted values."""
        return {"values": np.asarray(outputs["values"]).tolist()}

    def report(self, batches: Iterable[Examined], class_names: tuple[str, ...]) -> Report:
        """Return MAE, RMSE and R2 per value, and a figure of predicted against true values."""
        from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

        batches = iter(batches)
        first = next(batches)
        targets, values = joined(chain([first], batches), "values")
        columns = [np.reshape(array, (len(targets), -1)).T for array in (targets, values)]
        table = [
            {
                "value": index,
                "mae": float(mean_absolute_error(truth, predicted)),
                "rmse": float(root_mean_squared_error(truth, predicted)),
                "r2": float(r2_score(truth, predicted)) if len(truth) > 1 else float("nan"),
            }
            for index, (truth, predicted) in enumerate(zip(*columns, strict=True))
        ]
        names = first.target_names or tuple(f"value {index}" for index in range(len(table)))
        scores = [float(row["r2"]) for row in table]
        draw = partial(predicted_values_figure, columns[0], columns[1], names, scores)
        error = np.abs(columns[1] - columns[0]).mean(axis=0)
        answers = {"error": error, "target": columns[0].T, "value": columns[1].T}
        return Report(table, {"predicted_values": draw}, rows_are="value", answers=answers)
