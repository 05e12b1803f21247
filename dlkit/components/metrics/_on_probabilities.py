"""Metrics for networks that end in logits: they get probabilities, unless they are configured for logits."""

from typing import Any

from keras import ops

from dlkit.interfaces.task import takes_logits

_ATTRIBUTE = "_dlkit_sees_probabilities"


def on_probabilities(metric: Any) -> Any:
    """Make a Keras metric use the probabilities of the outputs instead of the outputs, and return it.

    Metrics with from_logits are left unchanged. Calling this twice has the same effect as once.
    """
    if takes_logits(metric) or getattr(metric, _ATTRIBUTE, False):
        return metric
    plain = metric.update_state

    def update_state(y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return plain(y_true, probabilities(y_pred), sample_weight)

    metric.__dict__["update_state"] = update_state
    metric.__dict__[_ATTRIBUTE] = True
    return metric


def best_class(scores: Any) -> Any:
    """Return the first class with the largest of scores (n, ..., classes), int32 (n, ...).

    Keras' argmax of floating point numbers looks at their bits, for which ONNX and OpenVINO have no operation.
    """
    largest = ops.equal(scores, ops.max(scores, axis=-1, keepdims=True))
    return ops.argmax(ops.cast(largest, "int32"), axis=-1)


def probabilities(logits: Any) -> Any:
    """Return the probabilities of logits (n, ..., classes), or of one unit or channel (n, ..., 1)."""
    return ops.sigmoid(logits) if logits.shape[-1] == 1 else ops.softmax(logits)
