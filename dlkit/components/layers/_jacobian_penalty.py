"""The penalty of a contractive autoencoder."""

from typing import Any

import keras
from keras import ops

from dlkit.components.layers._tangents import check_layer, slope, through

_INFERENCE_SEED = 0


@keras.saving.register_keras_serializable(package="dlkit")
class JacobianPenalty(keras.layers.Layer):
    """Computes ||dh/dx||_F^2 of an encoder h(x) for each example (n,) (Rifai, 2011; deck 003).

    exact: sum_j s_j^2 sum_i W_ij^2 for one dense layer, where s is the slope of its activation: h (1 - h) for sigmoid.
    Otherwise the unbiased estimate ||J v||^2 with a random sign vector v, for which E[v v^T] is the identity; v is
    redrawn in every training step and fixed in inference.
    """

    def __init__(
        self, *, exact: bool = False, seed: int | None = None, name: str | None = None, **keywords: Any
    ) -> None:
        super().__init__(name=name, **keywords)
        self.exact = exact
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.__dict__["encoder"] = None  # bypasses Keras' tracking: its weights are already counted in the network

    def attach(self, encoder: Any) -> None:
        """Set the encoder; raise InputError if one of its layers has no supported derivative."""
        for layer in encoder.layers:
            check_layer(layer)
        self.__dict__["encoder"] = encoder

    @property
    def _steps(self) -> list[Any]:
        """Return the encoder's layers in order, without its input layer."""
        return [layer for layer in self.encoder.layers if not isinstance(layer, keras.layers.InputLayer)]

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the squared norm for inputs (n, ...) as float (n,)."""
        if self.exact:
            dense = self._steps[-1]
            norms = ops.sum(ops.square(dense.kernel), axis=0)
            return ops.sum(ops.square(slope(dense, self.encoder(inputs))) * norms, axis=-1)
        seed = self.seed_generator if training else _INFERENCE_SEED
        draws = keras.random.uniform(ops.shape(inputs), dtype=inputs.dtype, seed=seed)
        tangent = ops.where(draws < 0.5, -ops.ones_like(inputs), ops.ones_like(inputs))
        outputs = inputs
        for layer in self._steps:
            outputs, tangent = through(layer, outputs, tangent)
        return ops.sum(ops.square(tangent), axis=tuple(range(1, len(tangent.shape))))

    def compute_output_shape(self, input_shape: Any) -> tuple[Any]:
        """Return (n,): one value per example."""
        return (input_shape[0],)

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {**super().get_config(), "exact": self.exact, "seed": self.seed}
