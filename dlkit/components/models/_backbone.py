"""A network without its head, as one nested model called `backbone`."""

from typing import Any

import keras

NAME = "backbone"


@keras.saving.register_keras_serializable(package="dlkit")
class PretrainedBackbone(keras.Model):
    """A functional model that is always in inference mode: batch norm keeps the statistics it was pretrained with.

    Keras hands `training=True` of a training step on to nested models, whatever they were called with, so that
    `backbone(x, training=False)` in a functional model does not last.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The outputs as in inference."""
        del training
        return super().call(inputs, training=False, mask=mask)


def backbone_of(inputs: Any, outputs: Any, pretrained: bool) -> keras.Model:
    """The model between two tensors; `pretrained` ones stay in inference mode, others learn as any network."""
    return (PretrainedBackbone if pretrained else keras.Model)(inputs, outputs, name=NAME)
