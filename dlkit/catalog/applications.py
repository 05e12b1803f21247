"""Names and preprocessing of the image classifiers in keras.applications, without importing Keras."""

from typing import Literal

Application = Literal[
    "ConvNeXtTiny",
    "ConvNeXtSmall",
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "ConvNeXtXLarge",
    "DenseNet121",
    "DenseNet169",
    "DenseNet201",
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "EfficientNetV2B0",
    "EfficientNetV2B1",
    "EfficientNetV2B2",
    "EfficientNetV2B3",
    "EfficientNetV2S",
    "EfficientNetV2M",
    "EfficientNetV2L",
    "InceptionV3",
    "InceptionResNetV2",
    "Xception",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Small",
    "MobileNetV3Large",
    "NASNetMobile",
    "NASNetLarge",
    "ResNet50",
    "ResNet101",
    "ResNet152",
    "ResNet50V2",
    "ResNet101V2",
    "ResNet152V2",
    "VGG16",
    "VGG19",
]

_CAFFE = {"ResNet50", "ResNet101", "ResNet152", "VGG16", "VGG19"}
_INSIDE = ("ConvNeXt", "EfficientNet", "MobileNetV3")


def preprocessing_mode(name: str) -> Literal["caffe", "tf", "torch", "none"]:
    """Return the mode of a network's preprocess_input.

    caffe: BGR minus the ImageNet mean; tf: -1 to 1; torch: standardised; none: the network itself contains the layers
    that scale pixels from 0 to 255.
    """
    if name in _CAFFE:
        return "caffe"
    if name.startswith(_INSIDE):
        return "none"
    return "torch" if name.startswith("DenseNet") else "tf"
