"""Reconstruction of the input through a code."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import ops

from dlkit.components.metrics.psnr import Psnr
from dlkit.components.tasks._reconstruction import Reconstruction
from dlkit.errors import InputError
from dlkit.interfaces.data import Description
from dlkit.interfaces.task import Examined, Report, TargetSpec, Task, main_output, with_added


@dataclass(frozen=True, kw_only=True)
class Autoencoding(Task):
    """Reconstructs the preprocessed input as it was before data.corrupt, by default with mean squared error.

    `loss` (deck 003: MeanSquaredError, MeanAbsoluteError, BinaryCrossentropy, KLDivergence) replaces the default and
    `metrics` adds to the defaults; `loss_weights` sets the weights of penalties such as kl, sparsity and jacobian. If
    corrupt hides patches, loss and metrics count only the hidden values. `peak`: the maximum input, for metric psnr.
    """

    loss: Any = None
    loss_weights: dict[str, float] = field(default_factory=dict)
    metrics: list = field(default_factory=list)
    peak: float = 1.0

    def target_spec(self, description: Description) -> TargetSpec:
        """Return the shape of the inputs; classes, if any, only colour the figures."""
        return TargetSpec(description.inputs.shape, description.class_names)

    def check(self, network: keras.Model, targets: TargetSpec) -> None:
        """Raise InputError unless the output has the shape of the input."""
        wanted, found = tuple(network.input.shape[1:]), tuple(main_output(network.output).shape[1:])
        if found != wanted:
            raise InputError(
                f"the network returns {list(found)} for inputs of shape {list(wanted)}",
                f"end the decoder with a layer that returns {list(wanted)}",
            )

    def prepare_targets(self, targets: Any, inputs: Any, network: keras.Model) -> Any:
        """Return the inputs in the training precision."""
        return ops.cast(inputs, keras.config.floatx())

    def sample_weights(self, targets: Any, hidden: Any) -> Any:
        """Return the mask of hidden pixels (n, height, width) divided by its mean per example, or None for weight 1.

        Keras divides a weighted sum by the number of all values, so the loss becomes the mean over the hidden values.
        """
        if hidden is None:
            return None
        mask = ops.cast(hidden, keras.config.floatx())
        share = ops.mean(mask, axis=tuple(range(1, len(mask.shape))), keepdims=True)
        return mask / ops.maximum(share, keras.config.epsilon())

    def loss_for(self, network: keras.Model) -> Any:
        """Return the recipe's loss, or mean squared error."""
        return self.loss if self.loss is not None else keras.losses.MeanSquaredError()

    def metrics_for(self, network: keras.Model) -> list[Any]:
        """Return errors `mae` and `mse`, the peak signal-to-noise ratio `psnr` in dB, and the recipe's metrics."""
        errors = [keras.metrics.MeanAbsoluteError(name="mae"), keras.metrics.MeanSquaredError(name="mse")]
        return with_added([*errors, Psnr(peak=self.peak)], self.metrics)

    def outputs(self, output: Any) -> dict[str, Any]:
        """Return `reconstruction`, in the shape of the preprocessed input."""
        return {"reconstruction": output}

    def describe_prediction(self, outputs: Mapping[str, Any], class_names: tuple[str, ...]) -> dict[str, Any]:
        """Return the reconstructed values."""
        return {"values": np.asarray(outputs["reconstruction"]).tolist()}

    def report(self, batches: Iterable[Examined], class_names: tuple[str, ...]) -> Report:
        """Return errors next to those of simple baselines, and figures of reconstructions, codes and samples.

        The error of an example is its mean squared error.
        """
        seen = Reconstruction(self.peak)
        for batch in batches:
            seen.add(batch)
        rows = seen.table()
        baselines = {f"{row['method']}_mse": row["mse"] for row in rows[1:]}
        answers = {"error": np.concatenate(seen.example_errors)}
        return Report(rows, seen.figures(class_names), rows_are="method", metrics=baselines, answers=answers)
