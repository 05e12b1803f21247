"""The encoder and the decoder of an autoencoder as models of their own, from raw input to one named output."""

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec
from dlkit.model.built import BuiltModel
from dlkit.model.trained import TrainedModel

PARTS = {"encoder": "code", "decoder": "reconstruction"}


@dataclass(frozen=True)
class ModelPart(BuiltModel):
    """A nested model of a network, with the name of its output; `whole` is the model that it is a part of."""

    name: str
    whole: BuiltModel

    @property
    def class_names(self) -> tuple[str, ...]:
        """A part names no classes."""
        return ()

    @property
    def scores(self) -> str | None:
        """A part gives no scores of classes."""
        return None

    @property
    def inference_network(self) -> keras.Model:
        """The part, for a code that is a distribution up to its mean."""
        output = self.network.output
        return keras.Model(self.network.input, output[0]) if isinstance(output, list) else self.network

    def outputs(self, network_outputs: Any) -> dict[str, Any]:
        """`code` or `reconstruction`; of a code that is a distribution, the mean."""
        values = network_outputs[0] if isinstance(network_outputs, list | tuple) else network_outputs
        return {PARTS[self.name]: keras.ops.cast(values, keras.config.floatx())}

    def samples(self, raw: np.ndarray) -> np.ndarray:
        """What the part itself takes for raw examples of the whole: these, or for a decoder their codes."""
        if self.name == "encoder":
            return raw
        return np.asarray(part_of(self.whole, "encoder").predict_raw(raw)["code"])


def part_of(built: BuiltModel, name: str) -> ModelPart:
    """The part of a built autoencoder: `encoder` from raw inputs to codes, `decoder` from codes to reconstructions.

    Raises InputError when the network has no such part.
    """
    nested = [layer.name for layer in built.network.layers if isinstance(layer, keras.Model)]
    if name not in PARTS or name not in nested:
        raise InputError(
            f"this model has no part {name!r}",
            f"its parts are: {', '.join(sorted(PARTS.keys() & set(nested))) or 'none; model autoencoder has two'}",
        )
    network = built.network.get_layer(name)
    kept = (built.targets, built.task)
    if name == "encoder":
        return ModelPart(built.description, *kept, built.resize, built.preprocess, network, name, built)
    code = ArraySpec(tuple(network.input.shape[1:]), keras.config.floatx())
    entry = keras.Input(code.shape, dtype=code.dtype, name="inputs")
    identity = keras.Model(entry, entry, name="preprocess")
    description = replace(built.description, inputs=code, class_names=())
    return ModelPart(description, *kept, None, identity, network, name, built)


def trained_part(trained: TrainedModel, name: str | None) -> TrainedModel:
    """A trained model's part in place of the whole; the whole itself where no part is named."""
    return replace(trained, built=part_of(trained.built, name)) if name else trained
