"""A dense layer of a decoder that reuses the encoder's kernel."""

from typing import Any

import keras
from keras import ops

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.formulas import Formula
from dlkit.analysis.reach import pointwise


@keras.saving.register_keras_serializable(package="dlkit")
class TiedDense(keras.layers.Layer):
    """A dense layer whose kernel is the transpose of a partner's, W' = W^T, sharing the same variable (deck 002).

    partner: the name of the Dense layer, which model `autoencoder` sets from its encoder. Inputs (n, partner's units)
    become (n, partner's inputs). Only the bias is the layer's own; the kernel is counted once, at the partner.
    """

    layer_facts = LayerFacts(parameters=lambda layer: Formula(f"{layer.units}", layer.units), reach=pointwise)

    def __init__(
        self,
        partner: str = "",
        *,
        activation: Any = None,
        use_bias: bool = True,
        bias_initializer: Any = "zeros",
        name: str | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__(name=name, **keywords)
        self.partner = partner
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.__dict__["tied_to"] = None  # bypasses Keras' tracking, which would count the partner here too

    def tie(self, partner: Any) -> None:
        """Tie this layer to the kernel of a Dense layer."""
        self.partner = partner.name
        self.__dict__["tied_to"] = partner

    def build(self, input_shape: Any) -> None:
        """Create the bias; raise ValueError without a partner whose units match the inputs."""
        if self.tied_to is None:
            raise ValueError("it has no partner; TiedDense belongs in the decoder of model autoencoder")
        units, wanted = self.tied_to.kernel.shape
        if input_shape[-1] != wanted:
            raise ValueError(f"its partner {self.partner} has {wanted} units")
        self._add_bias(units)

    def _add_bias(self, units: int) -> None:
        self.units = units
        if self.use_bias:
            self.bias = self.add_weight(shape=(units,), initializer=self.bias_initializer, name="bias")

    @property
    def variables(self) -> list[Any]:
        """Return all variables in use, including the partner's kernel, so that the decoder can be exported alone."""
        return [*super().variables, *([self.tied_to.kernel] if self.tied_to is not None else [])]

    def call(self, inputs: Any) -> Any:
        """Return activation(x W^T + b) for x (n, partner's units)."""
        outputs = ops.matmul(inputs, ops.transpose(self.tied_to.kernel))
        return self.activation(outputs + self.bias if self.use_bias else outputs)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        """Return the shape with the partner's units replaced by its inputs."""
        return (*input_shape[:-1], self.units)

    def get_build_config(self) -> dict[str, Any]:
        """Return what a saved layer needs to be built before it is tied again."""
        return {"units": self.units}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Create the bias of a saved layer, which class Autoencoder then ties to its partner."""
        self._add_bias(config["units"])
        self.built = True

    def get_config(self) -> dict[str, Any]:
        """Return the settings and the partner's name for saving."""
        own = {
            "partner": self.partner,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }
        return {**super().get_config(), **own}
