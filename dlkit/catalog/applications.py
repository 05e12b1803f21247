"""The image classifiers of keras.applications by name, and how each wants its pixels; nothing of Keras is imported."""

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
    """What preprocess_input of a net does: caffe is BGR less the ImageNet mean, tf is -1 to 1, torch is standardised.

    none: the net itself holds the layers that scale pixels from 0 to 255.
    """
    if name in _CAFFE:
        return "caffe"
    if name.startswith(_INSIDE):
        return "none"
    return "torch" if name.startswith("DenseNet") else "tf"
