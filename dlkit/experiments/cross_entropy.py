"""The cross-entropy of single examples, which has a gradient also where a network is sure."""

from typing import Any

from keras import ops

from dlkit.interfaces.task import main_output
from dlkit.model.built import BuiltModel


def cross_entropies(built: BuiltModel, output: Any, classes: Any) -> Any:
    """Return -ln p(class) (n,) of a classifier's output, fresh from its network, and of class indices (n,).

    Keras computes it from the inputs of the last softmax or sigmoid: a probability rounded to 0 or 1 has no gradient.
    """
    output, logits = main_output(output), built.task.from_logits
    if output.shape[-1] == 1:
        expected = ops.cast(classes, output.dtype)[:, None]
        return ops.binary_crossentropy(expected, output, from_logits=logits)[:, 0]
    return ops.sparse_categorical_crossentropy(classes, output, from_logits=logits)
