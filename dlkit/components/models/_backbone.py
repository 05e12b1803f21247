"""A network without its head, as a nested model called `backbone`."""

from typing import Any

import keras

NAME = "backbone"


@keras.saving.register_keras_serializable(package="dlkit")
class PretrainedBackbone(keras.Model):
    """A functional model that is always in inference mode: batch norm keeps its pretrained statistics.

    In a training step, Keras passes `training=True` to nested models regardless of how they were called, so
    `backbone(x, training=False)` in a functional model has no lasting effect.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return the outputs in inference mode."""
        del training
        return super().call(inputs, training=False, mask=mask)


def backbone_of(inputs: Any, outputs: Any, pretrained: bool) -> keras.Model:
    """Return the model between two tensors; a `pretrained` one always runs in inference mode."""
    return (PretrainedBackbone if pretrained else keras.Model)(inputs, outputs, name=NAME)
