"""Bilinear upsampling by an integer factor, for images whose size is known only at run time."""

from typing import Annotated, Any

import keras
from keras import ops
from pydantic import Field

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.reach import enlarged_reach


@keras.saving.register_keras_serializable(package="dlkit")
class BilinearUpsampling(keras.layers.Layer):
    """Upsamples images (n, h, w, c) `size` times by bilinear interpolation, half-pixel centres, borders repeated.

    Gives the same values as keras.layers.UpSampling2D, which fails in a graph when height or width is not fixed.
    """

    layer_facts = LayerFacts(reach=lambda layer, sizes: (enlarged_reach(layer.size, neighbours=1),) * 2)

    def __init__(self, *, size: Annotated[int, Field(gt=0)] = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def call(self, inputs: Any) -> Any:
        """Map (n, h, w, c) to (n, h size, w size, c)."""
        return self._enlarged(self._enlarged(inputs, 1), 2)

    def _enlarged(self, x: Any, axis: int) -> Any:
        """Interpolate `size` outputs per pixel along an axis; the k-th lies (k + 1/2) / size - 1/2 from the pixel."""
        index: list[Any] = [slice(None)] * 4

        def part(start: int | None, stop: int | None) -> Any:
            return x[(*index[:axis], slice(start, stop), *index[axis + 1 :])]

        before = ops.concatenate([part(None, 1), part(None, -1)], axis=axis)
        after = ops.concatenate([part(1, None), part(-1, None)], axis=axis)
        places = [(k + 0.5) / self.size - 0.5 for k in range(self.size)]
        phases = [x * (1 - abs(place)) + (before if place < 0 else after) * abs(place) for place in places]
        shape = list(ops.shape(x))
        shape[0], shape[axis] = -1, shape[axis] * self.size
        return ops.reshape(ops.stack(phases, axis=axis + 1), shape)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the shape with height and width multiplied by `size`."""
        n, height, width, channels = input_shape
        return (n, *(None if length is None else length * self.size for length in (height, width)), channels)

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        config: dict[str, Any] = super().get_config() | {"size": self.size}
        return config
