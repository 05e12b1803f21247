"""A network's table, and the counts of many."""

from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.console._primitives import line, table


def show_table(result: Mapping[str, Any], explain: bool) -> None:
    """A network's table as the lecture prints it, with its totals and its contract."""
    line(result["recipe"])
    rows = []
    for row in result["layers"]:
        shape = "x".join("?" if size is None else str(size) for size in row["output_shape"])
        cells = [row["layer"], row["name"], shape, f"{row['parameters']:,}"]
        if explain:
            cells += ["; ".join(row["explanation"]["sizes"]), row["explanation"]["parameters"]]
        rows.append(cells)
    headers = ["layer", "name", "output", "parameters"] + (["output size", "parameters, by hand"] if explain else [])
    table(headers, rows, right=(3,))
    counts = result["parameters"]
    line(f"total {counts['total']:,}  trainable {counts['trainable']:,}  non-trainable {counts['non_trainable']:,}")
    show_contract(result["contract"])


def show_contract(contract: Mapping[str, Any]) -> None:
    """Whether the counts and rows are those of the recipe's contract."""
    if contract["passed"]:
        line("contract passed")
    for difference in contract["differences"]:
        line(f"contract {difference}")


def show_counts(results: Sequence[Mapping[str, Any]]) -> None:
    """Counts of many recipes, each against its contract."""
    rows = []
    for result in results:
        counts = result["parameters"]
        state = "passed" if result["contract"]["passed"] else result["contract"]["differences"][0]
        rows.append((result["recipe"], *(f"{counts[k]:,}" for k in ("total", "trainable", "non_trainable")), state))
    table(("recipe", "total", "trainable", "non-trainable", "contract"), rows, right=(1, 2, 3))
