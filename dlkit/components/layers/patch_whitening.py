"""Whitening of small patches, computed from the training images instead of learnt by gradient descent."""

from typing import Annotated, Any

import keras
import numpy as np
from keras import ops
from pydantic import Field

from dlkit.analysis.facts import LayerFacts, Window, pixels
from dlkit.analysis.formulas import Formula, convolution_operations


def _multiply_adds(layer: Any) -> Formula:
    *window, seen, filters = layer.kernel.shape
    return convolution_operations(pixels(layer, layer.output.shape), tuple(window), seen, filters)


@keras.saving.register_keras_serializable(package="dlkit")
class PatchWhitening(keras.layers.Layer):
    """Whitens image patches by a convolution whose outputs are uncorrelated with equal variance over the train split.

    Its filters are the eigenvectors e of the mean of p p^T over all patches p, divided by sqrt(eigenvalue + epsilon),
    largest eigenvalue first; with `negated`, -e follow, so that a ReLU after the layer keeps both signs (Page, 2019,
    "How to train your ResNet"; Jordan, 2024, arXiv 2404.00498). Inputs (n, height, width, channels) become
    (n, height - patch_size + 1, width - patch_size + 1, filters). The filters are not trainable.
    """

    layer_facts = LayerFacts(
        window=lambda layer: Window((layer.patch_size,) * 2, (1, 1), (1, 1)), multiply_adds=_multiply_adds
    )

    def __init__(
        self,
        *,
        patch_size: Annotated[int, Field(ge=1)] = 2,
        epsilon: Annotated[float, Field(ge=0)] = 5e-4,
        negated: bool = True,
        **keywords: Any,
    ) -> None:
        super().__init__(**keywords)
        self.patch_size = patch_size
        self.epsilon = epsilon
        self.negated = negated

    def build(self, input_shape: Any) -> None:
        """Create the filters (patch_size, patch_size, channels, filters), zero until adapt; ValueError if no images."""
        if len(input_shape) != 4 or input_shape[-1] is None:
            raise ValueError(f"expected images (n, height, width, channels), received {list(input_shape)}")
        shape = (self.patch_size, self.patch_size, input_shape[-1], self._filters(input_shape))
        self.kernel = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="kernel")

    def _filters(self, input_shape: Any) -> int:
        return int(self.patch_size**2 * input_shape[-1] * (2 if self.negated else 1))

    def adapt(self, data: Any) -> None:
        """Compute the filters from batches of images."""
        rows, columns, channels, _ = self.kernel.shape
        size, moments, count = rows * columns * channels, 0.0, 0
        for images in data:
            images = np.asarray(images, "float64")
            patches = np.lib.stride_tricks.sliding_window_view(images, (rows, columns, channels), axis=(1, 2, 3))
            patches = patches.reshape(-1, size)
            moments, count = moments + patches.T @ patches, count + len(patches)
        values, vectors = np.linalg.eigh(moments / count)
        vectors = (vectors / np.sqrt(values + self.epsilon))[:, ::-1]
        # The sign of an eigenvector is arbitrary: make its largest entry positive, for the same filters everywhere.
        vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(size)])
        vectors = np.concatenate([vectors, -vectors], axis=1) if self.negated else vectors
        self.kernel.assign(vectors.reshape(self.kernel.shape))

    def call(self, inputs: Any) -> Any:
        """Return the whitened coordinates of every patch."""
        return ops.conv(ops.cast(inputs, self.compute_dtype), self.kernel, data_format="channels_last")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape with height and width reduced by patch_size - 1 and the filters as channels."""
        batch, *sizes, _ = input_shape
        smaller = (None if size is None else size - self.patch_size + 1 for size in sizes)
        return (batch, *smaller, self._filters(input_shape))

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        own = {"patch_size": self.patch_size, "epsilon": self.epsilon, "negated": self.negated}
        return {**super().get_config(), **own}
