"""The encoder and the decoder of an autoencoder as separate models, each with one named output."""

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
    """A nested model of a network; name: `encoder` or `decoder`. whole: the model that it is a part of."""

    name: str
    whole: BuiltModel

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return no classes: a part does not classify."""
        return ()

    @property
    def scores(self) -> str | None:
        """Return None: a part gives no class scores."""
        return None

    @property
    def inference_network(self) -> keras.Model:
        """Return the part; where the code is a distribution, only up to its mean."""
        output = self.network.output
        return keras.Model(self.network.input, output[0]) if isinstance(output, list) else self.network

    def outputs(self, network_outputs: Any) -> dict[str, Any]:
        """Return `code` or `reconstruction`; for a code that is a distribution, its mean."""
        values = network_outputs[0] if isinstance(network_outputs, list | tuple) else network_outputs
        return {PARTS[self.name]: keras.ops.cast(values, keras.config.floatx())}

    def samples(self, raw: np.ndarray) -> np.ndarray:
        """Return the part's inputs for raw examples of the whole model: the examples, or their codes for a decoder."""
        if self.name == "encoder":
            return raw
        return np.asarray(part_of(self.whole, "encoder").predict_raw(raw)["code"])


def part_of(built: BuiltModel, name: str) -> ModelPart:
    """Return a part of a built autoencoder: `encoder`, raw inputs to codes, or `decoder`, codes to reconstructions.

    Raises InputError when the network has no such part.
    """
    nested = [layer.name for layer in built.network.layers if isinstance(layer, keras.Model)]
    if name not in PARTS or name not in nested:
        raise InputError(
            f"this model has no part {name!r}",
            f"its parts: {', '.join(sorted(PARTS.keys() & set(nested))) or 'none; model autoencoder has two'}",
        )
    network = built.network.get_layer(name)
    kept = (built.targets, built.task)
    if name == "encoder":
        return ModelPart(built.description, *kept, built.resize, built.preprocess, network, name, built)
    code = ArraySpec(tuple(network.input.shape[1:]), keras.config.floatx())
    entry = keras.Input(code.shape, dtype=code.dtype, name="inputs")
    identity = keras.Model(entry, entry, name="preprocess")
    description = replace(built.description, inputs=code, class_names=(), table=None, sampling_rate=None)
    return ModelPart(description, *kept, None, identity, network, name, built)


def trained_part(trained: TrainedModel, name: str | None) -> TrainedModel:
    """Return the named part of a trained model, or the whole model where no part is named."""
    return replace(trained, built=part_of(trained.built, name)) if name else trained
