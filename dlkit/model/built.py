"""A built model: raw input to the task's named outputs, and batches as the network's step takes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from dlkit.components.layers.crop_like import cropped
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec, Description
from dlkit.interfaces.task import TargetSpec, Task, main_output
from dlkit.media.images import ImageResizer


@dataclass(frozen=True)
class BuiltModel:
    """A network and all that stands around it: raw input -> resize -> preprocess -> network -> task's outputs."""

    description: Description
    targets: TargetSpec
    task: Task
    resize: ImageResizer | None
    preprocess: keras.Model
    network: keras.Model

    @property
    def raw_spec(self) -> ArraySpec:
        """Shape and dtype of one example as the source gives it; images that are resized may have any size."""
        spec = self.description.inputs
        return ArraySpec((None, None, spec.shape[-1]), spec.dtype) if self.resize else spec

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, empty where there are none."""
        return self.targets.class_names

    @property
    def scores(self) -> str | None:
        """The output whose largest entry names the class, if there is one."""
        return self.task.scores

    @property
    def inference_network(self) -> keras.Model:
        """The network from its input to its main output, without auxiliary heads and penalties."""
        output = self.network.output
        return keras.Model(self.network.input, main_output(output)) if isinstance(output, Mapping) else self.network

    def prepare(self, inputs: Any, targets: Any, corrupted: Any = None, hidden: Any = None) -> tuple[Any, ...]:
        """A batch of resized inputs and raw targets as the network's step takes it: (x, y) or (x, y, sample weights).

        corrupted: what the network sees in place of the inputs; hidden: mask of the inputs that it does not see.
        """
        x = self.preprocess(inputs, training=False)
        targets = self._predicted_part(targets, x)
        y = self.task.prepare_targets(targets, x, self.network)
        weights = self.task.sample_weights(targets, hidden)
        if hidden is not None and tuple(hidden.shape[1:]) != tuple(y.shape[1 : len(hidden.shape)]):
            raise InputError(
                f"data.corrupt hides pixels {list(hidden.shape[1:])}, the targets have the shape {list(y.shape[1:])}",
                "leave Flatten out of preprocess; put it into the network",
            )
        if corrupted is not None:
            x = self.preprocess(corrupted, training=False)
        if not isinstance(self.network.output, Mapping):
            return (x, y) if weights is None else (x, y, weights)
        ones, names = keras.ops.ones(keras.ops.shape(x)[:1]), self.network.output
        expected = {name: ones if is_penalty(output) else y for name, output in names.items()}
        if weights is None:
            return x, expected
        return x, expected, {name: ones if is_penalty(output) else weights for name, output in names.items()}

    def _predicted_part(self, targets: Any, x: Any) -> Any:
        """Targets that are pixels, without the borders for which an unpadded network has no output."""
        if not self.task.moves_targets:
            return targets
        size = main_output(self.network.output).shape[1:3]
        if None in size:
            size = main_output(self.network.compute_output_shape((None, *x.shape[1:])))[1:3]
        return targets if None in size or size == targets.shape[1:3] else cropped(targets, *size)

    def samples(self, raw: np.ndarray) -> np.ndarray:
        """What this model takes for raw examples of the data, for the certificates of its exports: the very same."""
        return raw

    def predict(self, inputs: Any) -> dict[str, Any]:
        """The task's named outputs for a batch of resized inputs."""
        return self.outputs(self.network(self.preprocess(inputs, training=False), training=False))

    def outputs(self, network_outputs: Any) -> dict[str, Any]:
        """The task's named outputs from what the network gives."""
        return self.task.outputs(keras.ops.cast(main_output(network_outputs), keras.config.floatx()))

    def predict_raw(self, inputs: Any) -> dict[str, Any]:
        """The task's named outputs for a batch as the source gives it: what an export computes."""
        return self.predict(self.resize(inputs) if self.resize else inputs)


def is_penalty(output: Any) -> bool:
    """Whether a network's output is a number for each example, whose mean is a loss, and not a prediction."""
    return len(output.shape) == 1
