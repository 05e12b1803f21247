"""Metrics for networks that end in logits: they get probabilities, unless they are configured for logits."""

from collections.abc import Callable
from typing import Any

_ATTRIBUTE = "_dlkit_sees_probabilities"


def on_probabilities(metric: Any, probabilities: Callable[[Any], Any]) -> Any:
    """Make a Keras metric use `probabilities(outputs)` instead of the outputs, and return it.

    Metrics with from_logits are left unchanged. Calling this twice has the same effect as once.
    """
    if _takes_logits(metric) or getattr(metric, _ATTRIBUTE, False):
        return metric
    plain = metric.update_state

    def update_state(y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return plain(y_true, probabilities(y_pred), sample_weight)

    metric.__dict__["update_state"] = update_state
    metric.__dict__[_ATTRIBUTE] = True
    return metric


def _takes_logits(metric: Any) -> bool:
    settings = getattr(metric, "_fn_kwargs", {})
    return bool(getattr(metric, "_from_logits", False) or settings.get("from_logits", False))
