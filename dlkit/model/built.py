"""A built model: from raw input to the task's named outputs, and batches in the form that a training step takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.components.layers.crop_like import cropped
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec, Description, Split
from dlkit.interfaces.task import TargetSpec, Task, main_output
from dlkit.media.images import ImageResizer
from dlkit.media.sound_graph import in_16_bits


@dataclass(frozen=True)
class BuiltModel:
    """A network with its surroundings: raw input -> resize -> preprocess -> network -> the task's outputs."""

    description: Description
    targets: TargetSpec
    task: Task
    resize: ImageResizer | None
    preprocess: keras.Model
    network: keras.Model

    @property
    def raw_spec(self) -> ArraySpec:
        """Return shape and dtype of one raw example; images that are resized may have any size."""
        spec = self.description.inputs
        return ArraySpec((None, None, spec.shape[-1]), spec.dtype) if self.resize else spec

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return the names of the classes, empty where there are none."""
        return self.targets.class_names

    @property
    def scores(self) -> str | None:
        """Return the name of the output whose largest entry is the predicted class, if there is one."""
        return self.task.scores

    @property
    def spells(self) -> str | None:
        """Return the name of the output of class indices whose classes in order are the predicted text, if any."""
        return self.task.spells

    @property
    def sampling_rate(self) -> int | None:
        """Return the sampling rate of the recordings that the model takes, in Hz, None for other inputs."""
        return self.description.sampling_rate

    @property
    def inference_network(self) -> keras.Model:
        """Return the network from its input to its main output, without auxiliary heads and penalties."""
        output = self.network.output
        return keras.Model(self.network.input, main_output(output)) if isinstance(output, Mapping) else self.network

    def prepare(self, inputs: Any, targets: Any, corrupted: Any = None, hidden: Any = None) -> tuple[Any, ...]:
        """Turn resized inputs and raw targets into a training batch: (x, y) or (x, y, sample weights).

        corrupted: what the network sees instead of the inputs. hidden: a mask of the inputs that it does not see.
        """
        x = self.preprocess(inputs, training=False)
        targets = self._predicted_part(targets, x)
        y = self.expected(targets, x, hidden)
        return (x if corrupted is None else self.preprocess(corrupted, training=False), *y)

    def expected(self, targets: Any, x: Any, hidden: Any = None) -> tuple[Any, ...]:
        """Turn raw targets into what a batch has beside its inputs x: (y,) or (y, sample weights), by output."""
        y = self.task.prepare_targets(targets, x, self.network)
        weights = self.task.sample_weights(targets, hidden)
        if hidden is not None and tuple(hidden.shape[1:]) != tuple(y.shape[1 : len(hidden.shape)]):
            raise InputError(
                f"data.corrupt hides pixels of shape {list(hidden.shape[1:])}, but the targets have the shape "
                f"{list(y.shape[1:])}",
                "move Flatten from preprocess into the network",
            )
        if not isinstance(self.network.output, Mapping):
            return (y,) if weights is None else (y, weights)
        ones, names = keras.ops.ones(keras.ops.shape(x)[:1]), self.network.output
        expected = {name: ones if is_penalty(output) else y for name, output in names.items()}
        if weights is None:
            return (expected,)
        return expected, {name: ones if is_penalty(output) else weights for name, output in names.items()}

    def _predicted_part(self, targets: Any, x: Any) -> Any:
        """Crop pixel targets to the part for which an unpadded network has outputs; return other targets unchanged."""
        if not self.task.moves_targets:
            return targets
        size = main_output(self.network.output).shape[1:3]
        if None in size:
            size = main_output(self.network.compute_output_shape((None, *x.shape[1:])))[1:3]
        return targets if None in size or size == targets.shape[1:3] else cropped(targets, *size)

    def frames(self, samples: np.ndarray) -> int:
        """Return how many frames preprocessing makes of a recording (samples,), 0 if it is shorter than a window."""
        try:
            return int(self.preprocess(samples[np.newaxis], training=False).shape[1])
        except (ValueError, tf.errors.InvalidArgumentError):
            return 0

    def check_examples(self, split: Split, name: str) -> None:
        """Raise InputError for an example of a split that the network can never predict, such as one too short."""

        def outputs_of(raw: np.ndarray) -> Any:
            return main_output(self.network(self.preprocess(raw, training=False), training=False))

        self.task.check_examples(split, name, outputs_of)

    def samples(self, raw: np.ndarray) -> np.ndarray:
        """Return the inputs of this model for raw examples of the data, which certificates use: the same examples.

        Recordings are rounded to what a WAV file of 16 bits represents.
        """
        return raw if self.sampling_rate is None else in_16_bits(raw)

    def predict(self, inputs: Any) -> dict[str, Any]:
        """Return the task's named outputs for a batch of resized inputs."""
        return self.outputs(self.network(self.preprocess(inputs, training=False), training=False))

    def outputs(self, network_outputs: Any) -> dict[str, Any]:
        """Return the task's named outputs for outputs of the network."""
        return self.task.outputs(keras.ops.cast(main_output(network_outputs), keras.config.floatx()))

    def predict_raw(self, inputs: Any) -> dict[str, Any]:
        """Return the task's named outputs for a raw batch, as an export computes them."""
        return self.predict(self.resize(inputs) if self.resize else inputs)


def is_penalty(output: Any) -> bool:
    """Return whether a network's output is a penalty: one number per example, whose mean is a loss."""
    return len(output.shape) == 1
