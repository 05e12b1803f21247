"""The network class of model `autoencoder`, whose parts stay tied when it is saved and loaded."""

from typing import Any

import keras

from dlkit.components.layers._jacobian_penalty import JacobianPenalty
from dlkit.components.layers.tied_dense import TiedDense


@keras.saving.register_keras_serializable(package="dlkit")
class Autoencoder(keras.Model):
    """A functional model with nested models `encoder` and `decoder`, whose layers may share weights.

    Keras saves only each layer's own settings, so a loaded model ties its layers again by name.
    """

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Return the saved network with its layers tied again."""
        network = super().from_config(config, custom_objects)
        encoder, decoder = network.get_layer("encoder"), network.get_layer("decoder")
        for layer in decoder.layers:
            if isinstance(layer, TiedDense):
                layer.tie(encoder.get_layer(layer.partner))
        for layer in network.layers:
            if isinstance(layer, JacobianPenalty):
                layer.attach(encoder)
        return network
