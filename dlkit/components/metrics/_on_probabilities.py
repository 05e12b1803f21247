"""Metrics of a network that ends in logits: they see probabilities, unless they ask for logits themselves."""

from collections.abc import Callable
from typing import Any

_ATTRIBUTE = "_dlkit_sees_probabilities"


def on_probabilities(metric: Any, probabilities: Callable[[Any], Any]) -> Any:
    """Let a Keras metric see `probabilities(outputs)` instead of the outputs; return it.

    A metric with from_logits is left alone. Calling this twice does no more than once.
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
