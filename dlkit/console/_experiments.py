"""Print the results of gradcheck."""

from collections.abc import Mapping
from typing import Any

from dlkit.console._grid import table
from dlkit.console._primitives import line


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
