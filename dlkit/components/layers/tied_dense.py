"""A dense layer of a decoder that has no matrix of its own."""

from typing import Any

import keras
from keras import ops

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.formulas import Formula
from dlkit.analysis.reach import pointwise


@keras.saving.register_keras_serializable(package="dlkit")
class TiedDense(keras.layers.Layer):
    """A dense layer whose kernel is the transpose of a partner's: W' = W^T, the same variable (deck 002).

    partner: the name of the Dense layer, which a decoder of model `autoencoder` gets from its encoder. Inputs
    (n, partner's units) become (n, partner's inputs). Only the bias is the layer's own; the kernel counts once, at the
    partner.
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
        self.__dict__["tied_to"] = None  # past Keras' own bookkeeping, which would count the partner here too

    def tie(self, partner: Any) -> None:
        """Take the kernel of a Dense layer."""
        self.partner = partner.name
        self.__dict__["tied_to"] = partner

    def build(self, input_shape: Any) -> None:
        """Create the bias; ValueError where there is no partner whose units are the inputs."""
        if self.tied_to is None:
            raise ValueError("it has no partner; TiedDense belongs into the decoder of model autoencoder")
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
        """All that the layer computes with, for an export of the decoder alone: the partner's kernel too."""
        return [*super().variables, *([self.tied_to.kernel] if self.tied_to is not None else [])]

    def call(self, inputs: Any) -> Any:
        """activation(x W^T + b) for x (n, partner's units)."""
        outputs = ops.matmul(inputs, ops.transpose(self.tied_to.kernel))
        return self.activation(outputs + self.bias if self.use_bias else outputs)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        """The partner's inputs take the place of its units."""
        return (*input_shape[:-1], self.units)

    def get_build_config(self) -> dict[str, Any]:
        """What a saved model needs to be built before its layers are tied again."""
        return {"units": self.units}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Create the bias of a saved layer, which model Autoencoder then ties to its partner."""
        self._add_bias(config["units"])
        self.built = True

    def get_config(self) -> dict[str, Any]:
        """The settings and the partner's name, for saving."""
        own = {
            "partner": self.partner,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }
        return {**super().get_config(), **own}
