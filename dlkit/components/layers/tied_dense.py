"""A dense layer of a decoder that reuses the encoder's kernel."""

from typing import Any, Literal

import keras
from keras import ops

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.formulas import Formula
from dlkit.analysis.reach import pointwise


@keras.saving.register_keras_serializable(package="dlkit")
class TiedDense(keras.layers.Layer):
    """A dense layer whose kernel is the transpose of a partner's, W' = W^T (deck 002).

    partner: the name of the Dense layer, which model `autoencoder` sets from its encoder. Inputs (n, partner's units)
    become (n, partner's inputs). With tied: always, the layer uses the partner's variable: only the bias is its own,
    and the kernel is counted once, at the partner. With tied: initially, it has a kernel of its own, which begins as
    the transpose and then learns by itself.
    """

    layer_facts = LayerFacts(
        parameters=lambda layer: layer.own_parameters(),
        multiply_adds=lambda layer: Formula(f"{layer.inputs}*{layer.units}", layer.inputs * layer.units),
        reach=pointwise,
    )

    def __init__(
        self,
        partner: str = "",
        *,
        activation: Any = None,
        use_bias: bool = True,
        bias_initializer: Any = "zeros",
        tied: Literal["always", "initially"] = "always",
        name: str | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__(name=name, **keywords)
        self.partner = partner
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.tied = tied
        self.__dict__["tied_to"] = None  # bypasses Keras' tracking, which would count the partner here too

    def tie(self, partner: Any) -> None:
        """Tie this layer to the kernel of a Dense layer."""
        self.partner = partner.name
        self.__dict__["tied_to"] = partner

    def build(self, input_shape: Any) -> None:
        """Create the layer's own weights; raise ValueError without a partner whose units match the inputs."""
        if self.tied_to is None:
            raise ValueError("it has no partner; TiedDense belongs in the decoder of model autoencoder")
        units, wanted = self.tied_to.kernel.shape
        if input_shape[-1] != wanted:
            raise ValueError(f"its partner {self.partner} has {wanted} units")
        self._add_weights(wanted, units)
        if self.tied == "initially":
            self.own_kernel.assign(ops.transpose(self.tied_to.kernel))

    def _add_weights(self, inputs: int, units: int) -> None:
        self.inputs, self.units = inputs, units
        if self.tied == "initially":
            self.own_kernel = self.add_weight(shape=(inputs, units), initializer="zeros", name="kernel")
        if self.use_bias:
            self.bias = self.add_weight(shape=(units,), initializer=self.bias_initializer, name="bias")

    @property
    def kernel(self) -> Any:
        """Return W' (partner's units, partner's inputs)."""
        return self.own_kernel if self.tied == "initially" else ops.transpose(self.tied_to.kernel)

    def own_parameters(self) -> Formula:
        """Return the number of this layer's own parameters."""
        bias = self.units if self.use_bias else 0
        if self.tied == "always":
            return Formula(f"{bias}", bias)
        return Formula(f"{self.inputs}*{self.units}" + f" + {bias}" * bool(bias), self.inputs * self.units + bias)

    @property
    def variables(self) -> list[Any]:
        """Return all variables in use, including the partner's kernel, so that the decoder can be exported alone."""
        shared = self.tied == "always" and self.tied_to is not None
        return [*super().variables, *([self.tied_to.kernel] if shared else [])]

    def call(self, inputs: Any) -> Any:
        """Return activation(x W^T + b) for x (n, partner's units)."""
        outputs = ops.matmul(inputs, self.kernel)
        return self.activation(outputs + self.bias if self.use_bias else outputs)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        """Return the shape with the partner's units replaced by its inputs."""
        return (*input_shape[:-1], self.units)

    def get_build_config(self) -> dict[str, Any]:
        """Return what a saved layer needs to be built before it is tied again."""
        return {"inputs": self.inputs, "units": self.units}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Create the weights of a saved layer, which class Autoencoder then ties to its partner."""
        self._add_weights(config["inputs"], config["units"])
        self.built = True

    def get_config(self) -> dict[str, Any]:
        """Return the settings and the partner's name for saving."""
        own = {
            "partner": self.partner,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "tied": self.tied,
        }
        return {**super().get_config(), **own}
