"""The interface of runtimes, and what all of them share."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np

from dlkit.media.spelling import labels_of, texts_of
from dlkit.serving.description import LABEL, TEXT, Description
from dlkit.serving.signature import DEFAULT, Signature, TensorSpec

Arrays = Mapping[str, np.ndarray]


class Backend(ABC):
    """A loaded model: named signatures, and their outputs for a batch.

    `run` is called by one thread at a time, and so is `feature_maps`, but perhaps both at once.

    platform: its name in the Open Inference Protocol. signatures: by name, DEFAULT among them.
    """

    platform: str
    signatures: Mapping[str, Signature]

    @abstractmethod
    def run(self, signature: str, inputs: Arrays) -> dict[str, np.ndarray]:
        """Return the outputs for a batch; raise Refused for inputs on which the computation fails."""

    def feature_maps(self, inputs: Arrays) -> np.ndarray | None:
        """Return the first convolution's output for one example, (height, width, filters); None if there is none."""
        del inputs
        return None


def with_label(signature: Signature, description: Description) -> dict[str, Signature]:
    """Return the signatures of a runtime without strings: its own, and the class or the text among the outputs.

    A SavedModel has such an output in its graph; so all artefacts of a run give the same answers.
    """
    outputs = dict(signature.outputs)
    if description.scores_in(signature) is not None:
        outputs[LABEL] = TensorSpec("string", (None,))
    if description.class_names and description.spells in outputs:
        outputs[TEXT] = TensorSpec("string", (None,))
    return {DEFAULT: Signature(signature.inputs, outputs, signature.method)}


def labelled(outputs: dict[str, np.ndarray], signature: Signature, description: Description) -> dict[str, np.ndarray]:
    """Return outputs with the class of the largest score, and the text that is spelt, if the signature has them."""
    added: dict[str, np.ndarray] = {}
    if LABEL in signature.outputs and LABEL not in outputs:
        added[LABEL] = labels_of(outputs[description.scores or ""], description.class_names).astype(object)
    if TEXT in signature.outputs and TEXT not in outputs:
        added[TEXT] = texts_of(outputs[description.spells or ""], description.class_names).astype(object)
    return outputs | added
