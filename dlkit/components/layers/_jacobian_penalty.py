"""The penalty of a contractive autoencoder."""

from typing import Any

import keras
from keras import ops

from dlkit.components.layers._tangents import check_layer, slope, through

_INFERENCE_SEED = 0


@keras.saving.register_keras_serializable(package="dlkit")
class JacobianPenalty(keras.layers.Layer):
    """||dh/dx||_F^2 of an encoder h(x) for each example (n,) (Rifai, 2011; deck 003).

    exact: sum_j s_j^2 sum_i W_ij^2 for one dense layer, with s its activation's slope: h (1 - h) for sigmoid.
    Otherwise estimated without bias as ||J v||^2 with a random direction v of signs, for which E[v v^T] is 1; the
    direction is drawn anew in every training step, and is always the same in inference.
    """

    def __init__(
        self, *, exact: bool = False, seed: int | None = None, name: str | None = None, **keywords: Any
    ) -> None:
        super().__init__(name=name, **keywords)
        self.exact = exact
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.__dict__["encoder"] = None  # past Keras' bookkeeping: its weights count where it stands in the network

    def attach(self, encoder: Any) -> None:
        """Take the encoder; InputError when there is no derivative through one of its layers."""
        for layer in encoder.layers:
            check_layer(layer)
        self.__dict__["encoder"] = encoder

    @property
    def _steps(self) -> list[Any]:
        """The encoder's layers, one fed by the other."""
        return [layer for layer in self.encoder.layers if not isinstance(layer, keras.layers.InputLayer)]

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The squared norm for inputs (n, ...), as float (n,)."""
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
        """One number for each example."""
        return (input_shape[0],)

    def get_config(self) -> dict[str, Any]:
        """The settings, for saving."""
        return {**super().get_config(), "exact": self.exact, "seed": self.seed}
