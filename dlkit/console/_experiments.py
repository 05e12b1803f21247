"""Print the results of gradcheck and crossval."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlkit.console._grid import table
from dlkit.console._primitives import line
from dlkit.formatting import measured


def show_gradcheck(result: Mapping[str, Any]) -> None:
    """Print the relative error of every gradient, and what is wrong."""
    rows = [
        (g["part"], g["kind"], g["of"], _error(g["error"]), "" if g["right"] else "WRONG") for g in result["gradients"]
    ]
    table(("part", "kind", "gradient by", "relative error", ""), rows, right=(3,))
    count = len(result["gradients"])
    verdict = "all right" if result["passed"] else f"wrong: {'; '.join(result['wrong'])}"
    line(f"{result['recipe']}, {count} gradients, tolerance {result['tolerance']:g}: {verdict}")
    if result["figure"]:
        line(f"figure  {result['figure']}")


def _error(error: float | None) -> str:
    return "not finite" if error is None else f"{error:.1e}"


def show_crossval(result: Mapping[str, Any]) -> None:
    """Print mean and spread of the folds' metrics, those of all out-of-fold predictions, and the ensemble's."""
    rows = []
    for part, title in (("validation", "held-out fold"), ("test", "test")):
        for name, spread in result["statistics"].get(part, {}).items():
            values = (spread[key] for key in ("mean", "standard_deviation", "min", "max"))
            rows.append((title, name, *(measured(value, 5) for value in values)))
    table(("measured on", "metric", "mean", "standard deviation", "min", "max"), rows, right=(2, 3, 4, 5))
    line(f"out of fold  {_metrics(result['out_of_fold'])}")
    if result["ensemble"] is not None:
        line(f"ensemble     {_metrics(result['ensemble'])}, mean of {len(result['folds'])} outputs on test")
    line(f"written      {result['file']}, and predictions.npz beside it")
    line(f"figures      {Path(result['file']).parent / 'figures'}")


def _metrics(metrics: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {measured(value, 5)}" for name, value in metrics.items())
