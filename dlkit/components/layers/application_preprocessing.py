"""The pixel preprocessing of keras.applications as a layer, so that it is part of every export."""

from typing import Any

import keras
from keras import ops

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.reach import pointwise
from dlkit.catalog.applications import Application, preprocessing_mode

# ImageNet statistics: means of blue, green, red (caffe); means and deviations of red, green, blue in [0, 1] (torch).
_CAFFE_MEAN = (103.939, 116.779, 123.68)
_TORCH_MEAN, _TORCH_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@keras.saving.register_keras_serializable(package="dlkit")
class ApplicationPreprocessing(keras.layers.Layer):
    """Applies the preprocess_input of a keras.applications network to RGB images (n, height, width, 3) from 0 to 255.

    `backbone` names the network. ConvNeXt, EfficientNet and MobileNetV3 contain their own preprocessing; for them the
    pixels are left unchanged.
    """

    layer_facts = LayerFacts(reach=pointwise)

    def __init__(self, *, backbone: Application, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.backbone = backbone
        self.mode = preprocessing_mode(backbone)

    def build(self, input_shape: Any) -> None:
        """Raise ValueError unless there are three channels."""
        if len(input_shape) != 4 or input_shape[-1] != 3:
            raise ValueError(f"{self.backbone} needs images (height, width, 3), received {list(input_shape[1:])}")

    def call(self, inputs: Any) -> Any:
        """Return the pixels scaled as in the network's training, in the layer's compute dtype."""
        x = ops.cast(inputs, self.compute_dtype)
        if self.mode == "tf":
            return x / 127.5 - 1.0
        if self.mode == "torch":
            x = x / 255.0 + ops.convert_to_tensor([-value for value in _TORCH_MEAN], dtype=x.dtype)
            return x / ops.convert_to_tensor(_TORCH_DEVIATION, dtype=x.dtype)
        if self.mode == "caffe":
            return ops.flip(x, axis=-1) + ops.convert_to_tensor([-value for value in _CAFFE_MEAN], dtype=x.dtype)
        return x

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the input shape unchanged."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {**super().get_config(), "backbone": self.backbone}
