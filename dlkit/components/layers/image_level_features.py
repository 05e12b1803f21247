"""Broadcasting of image-level features to all pixels."""

from typing import Any

import keras
from keras import ops

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.reach import whole_image


@keras.saving.register_keras_serializable(package="dlkit")
class ImageLevelFeatures(keras.layers.Layer):
    """Repeats features (n, 1, 1, c) over the height and width of a second tensor (deck 003, DeepLab 3).

    This equals bilinear upsampling of a single pixel.
    """

    layer_facts = LayerFacts(reach=whole_image, reads=1)

    def call(self, inputs: Any) -> Any:
        """Map [features (n, 1, 1, c), reference (n, h, w, any)] to (n, h, w, c)."""
        features, reference = inputs
        n, height, width, _ = ops.shape(reference)
        return ops.broadcast_to(features, (n, height, width, features.shape[-1]))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the reference's size with the features' channels."""
        features, reference = input_shape
        return (*reference[:3], features[-1])
