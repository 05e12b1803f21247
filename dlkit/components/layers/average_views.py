"""Averaging over the views that InferenceViews creates."""

import math
from typing import Annotated, Any

import keras
from keras import ops
from pydantic import Field

from dlkit.analysis.facts import LayerFacts
from dlkit.catalog.create import locate
from dlkit.components.layers.inference_views import InferenceViews
from dlkit.errors import InputError


@keras.saving.register_keras_serializable(package="dlkit")
class AverageViews(keras.layers.Layer):
    """Averages over the `views` of each image in inference; passes its input through in training.

    (views n, classes), ordered view by view as by InferenceViews, becomes (n, classes). views: 2 for an image and its
    mirror image, 6 with shifts.
    """

    # Positions in a mirrored view do not match those in the image.
    layer_facts = LayerFacts(reach=lambda layer, sizes: None if sizes else ())

    def __init__(self, *, views: Annotated[int, Field(ge=1)], **keywords: Any) -> None:
        super().__init__(**keywords)
        self.views = views

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return the mean over views, or the inputs in training."""
        return inputs if training else ops.mean(ops.reshape(inputs, (self.views, -1, *inputs.shape[1:])), axis=0)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape with one row per image."""
        return (None, *input_shape[1:])

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {**super().get_config(), "views": self.views}


def without_views(network: keras.Model) -> keras.Model:
    """Return the network with the same layers and weights but no views: every image is seen once in inference too."""
    views = (InferenceViews, AverageViews)
    if not any(isinstance(layer, views) for layer in network.layers):
        return network
    return keras.models.clone_model(
        network, clone_function=lambda layer: keras.layers.Identity() if isinstance(layer, views) else layer
    )


def check_views(network: keras.Model) -> None:
    """Raise InputError with a recipe location unless the network averages as many views as it creates."""
    made = [layer for layer in network.layers if isinstance(layer, InferenceViews)]
    averaged = [layer for layer in network.layers if isinstance(layer, AverageViews)]
    have, wanted = math.prod(layer.views for layer in averaged), math.prod(layer.views for layer in made)
    if have == wanted:
        return
    makes = f"InferenceViews creates {wanted} views of an image" if made else "there is no InferenceViews"
    takes = f"AverageViews averages over {have}" if averaged else "there is no AverageViews"
    raise InputError(
        f"{makes}, but {takes}",
        f"write AverageViews: {{views: {wanted}}} after the last layer" if made else "remove AverageViews",
        location=locate((averaged or made)[0]),
    )
