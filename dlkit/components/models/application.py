"""The image classifiers included in Keras, from VGG16 to ConvNeXt, with random weights."""

import warnings
from typing import Annotated

import keras
from pydantic import Field

from dlkit.catalog.applications import Application
from dlkit.components.models._image_classifier import check_image, outputs_of
from dlkit.components.models._widths import narrow_network
from dlkit.errors import InputError, keras_reason
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec


def application(
    inputs: ArraySpec,
    targets: TargetSpec,
    *,
    name: Application,
    width_divisor: Annotated[int, Field(ge=1)] = 1,
) -> keras.Model:
    """Build a classifier of keras.applications with random weights and one output per class.

    Images may have any size that the network accepts. Weights are never downloaded. ConvNeXt, EfficientNet and
    MobileNetV3 rescale pixels from 0 to 255 themselves. width_divisor: divides all filters and units except the head's,
    where the network's layers allow it.
    """
    check_image(inputs, name)
    units, activation = outputs_of(targets, name)
    network_input = keras.Input(inputs.shape, dtype=inputs.dtype, name="inputs")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # without weights, any number of channels will do
            network: keras.Model = getattr(keras.applications, name)(
                weights=None,
                classes=units,
                classifier_activation=activation,
                input_tensor=network_input,
                input_shape=inputs.shape,
            )
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{name} cannot take images of shape {list(inputs.shape)}: {keras_reason(error)}",
            "use images of another size, or resize them with data.resize",
        ) from error
    if width_divisor > 1:
        network = narrow_network(network, name, width_divisor)
    return keras.Model(network.inputs[0], network.outputs[0], name=network.name)
