"""The sampling step of a variational autoencoder."""

from typing import Any

import keras
from keras import ops

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.reach import pointwise


@keras.saving.register_keras_serializable(package="dlkit")
class Sampling(keras.layers.Layer):
    """Samples z = mean + exp(log_variance / 2) * epsilon, epsilon from N(0, 1); in inference z = mean (Kingma, 2014).

    The inputs are [mean, log_variance], both (n, latent); the output is (n, latent).
    """

    layer_facts = LayerFacts(reach=pointwise)

    def __init__(self, *, seed: int | None = None, name: str | None = None, **keywords: Any) -> None:
        super().__init__(name=name, **keywords)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return a sample in training and the mean otherwise."""
        mean, log_variance = inputs
        if not training:
            return mean
        epsilon = keras.random.normal(ops.shape(mean), dtype=mean.dtype, seed=self.seed_generator)
        return mean + ops.exp(log_variance / 2) * epsilon

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the mean."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {**super().get_config(), "seed": self.seed}
