"""The draw in the middle of a variational autoencoder."""

from typing import Any

import keras
from keras import ops

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.reach import pointwise


@keras.saving.register_keras_serializable(package="dlkit")
class Sampling(keras.layers.Layer):
    """z = mean + exp(log_variance / 2) * epsilon with epsilon from N(0, 1); in inference z = mean (Kingma, 2014).

    Takes [mean, log_variance], both (n, latent), and gives (n, latent).
    """

    layer_facts = LayerFacts(reach=pointwise)

    def __init__(self, *, seed: int | None = None, name: str | None = None, **keywords: Any) -> None:
        super().__init__(name=name, **keywords)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """A draw in training, the mean otherwise."""
        mean, log_variance = inputs
        if not training:
            return mean
        epsilon = keras.random.normal(ops.shape(mean), dtype=mean.dtype, seed=self.seed_generator)
        return mean + ops.exp(log_variance / 2) * epsilon

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of the mean."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """The settings, for saving."""
        return {**super().get_config(), "seed": self.seed}
