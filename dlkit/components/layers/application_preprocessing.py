"""What keras.applications do to pixels before a net sees them, as a layer, so that it is inside every export."""

from typing import Any

import keras
from keras import ops

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.reach import pointwise
from dlkit.catalog.applications import Application, preprocessing_mode

# Of ImageNet: the mean of blue, green and red (caffe), and mean and deviation of red, green and blue in 0 to 1 (torch).
_CAFFE_MEAN = (103.939, 116.779, 123.68)
_TORCH_MEAN, _TORCH_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@keras.saving.register_keras_serializable(package="dlkit")
class ApplicationPreprocessing(keras.layers.Layer):
    """The preprocess_input of one of keras.applications: images (n, height, width, 3), red first, values 0 to 255.

    `backbone` names the net. ConvNeXt, EfficientNet and MobileNetV3 hold their own; there the pixels stay as they are.
    """

    layer_facts = LayerFacts(reach=pointwise)

    def __init__(self, *, backbone: Application, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.backbone = backbone
        self.mode = preprocessing_mode(backbone)

    def build(self, input_shape: Any) -> None:
        """Check that there are three channels; ValueError otherwise."""
        if len(input_shape) != 4 or input_shape[-1] != 3:
            raise ValueError(f"{self.backbone} wants images (height, width, 3), an example is {list(input_shape[1:])}")

    def call(self, inputs: Any) -> Any:
        """The pixels as the net's makers scaled them, in the layer's own precision."""
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
        """The shape stays as it is."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The settings, for saving."""
        return {**super().get_config(), "backbone": self.backbone}
