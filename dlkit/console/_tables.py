"""Print the table of one network, and the counts of several."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dlkit.console._grid import table
from dlkit.console._primitives import line

if TYPE_CHECKING:
    from dlkit.analysis.by_hand import WorkedLayer


def show_table(result: Mapping[str, Any]) -> None:
    """Print a network's table as in the lecture, with its totals and its contract."""
    line(result["recipe"])
    columns = {"layer": "left", "name": "left", "output": "left", "parameters": "right", "trained": "left"}
    layers = list(_unfolded(result["layers"]))
    rows = [_cells(row, depth) for row, depth in layers]
    if "cost" in result:
        columns |= dict.fromkeys(("multiply-adds", "bytes", "receptive field"), "right")
        rows = [cells + _cost_cells(row.get("cost")) for cells, (row, _) in zip(rows, layers, strict=True)]
    if any("explanation" in row for row in result["layers"]):
        columns |= dict.fromkeys(("output size", "parameters, by hand", "note"), "left")
        rows = [cells + _explained(row.get("explanation")) for cells, (row, _) in zip(rows, layers, strict=True)]
    table(list(columns), rows, right=[number for number, side in enumerate(columns.values()) if side == "right"])
    counts = result["parameters"]
    line(f"total {counts['total']:,}  trainable {counts['trainable']:,}  non-trainable {counts['non_trainable']:,}")
    if "cost" in result:
        _show_cost(result["cost"])
    show_contract(result["contract"])


def _unfolded(rows: Sequence[Mapping[str, Any]], depth: int = 0) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Yield every row with its depth, each before those of its nested network."""
    for row in rows:
        yield row, depth
        yield from _unfolded(row["inner"], depth + 1)


def _cells(row: Mapping[str, Any], depth: int) -> list[str]:
    """Return what every table shows of a layer; those of a nested network are indented."""
    frozen = "frozen" if row["frozen"] else ""
    return ["  " * depth + row["layer"], row["name"], _sides(row["output_shape"]), f"{row['parameters']:,}", frozen]


def _sides(sizes: Sequence[int | None]) -> str:
    return "x".join("?" if size is None else str(size) for size in sizes)


def _cost_cells(cost: Mapping[str, Any] | None) -> list[str]:
    if cost is None:
        return [""] * 3
    numbers = ["?" if cost[key] is None else f"{cost[key]:,}" for key in ("multiply_adds", "activation_bytes")]
    return [*numbers, "?" if cost["receptive_field"] is None else _sides(cost["receptive_field"])]


def _explained(explanation: Mapping[str, Any] | None) -> list[str]:
    if explanation is None:
        return [""] * 3
    return ["; ".join(explanation["sizes"]), explanation["parameters"], "; ".join(explanation["notes"])]


def _show_cost(cost: Mapping[str, Any]) -> None:
    multiply_adds, memory, field = _cost_cells(cost)
    seen = f"  receptive field {field}" if cost["receptive_field"] else ""
    line(f"per example: {multiply_adds} multiply-adds  {memory} bytes of outputs{seen}")
    if cost["uncounted"]:
        line(f"multiply-adds exclude {', '.join(cost['uncounted'])}")


def show_contract(contract: Mapping[str, Any]) -> None:
    """Print whether the counts and rows match the recipe's contract, if it states any."""
    if contract["passed"]:
        line("contract passed")
    for difference in contract["differences"]:
        line(f"contract failed: {difference}")
    if "changed" in contract:
        line(f"the network was changed with {contract['changed']}")


def show_counts(results: Sequence[Mapping[str, Any]]) -> None:
    """Print the counts of several recipes, each with the result of its contract."""
    rows = []
    for result in results:
        counts = result["parameters"]
        passed = result["contract"]["passed"]
        state = {True: "passed", None: ""}.get(passed) if passed is not False else result["contract"]["differences"][0]
        rows.append((result["recipe"], *(f"{counts[k]:,}" for k in ("total", "trainable", "non_trainable")), state))
    table(("recipe", "total", "trainable", "non-trainable", "contract"), rows, right=(1, 2, 3))


def show_worked(worked: "WorkedLayer") -> None:
    """Print a layer worked out by hand: every figure with its formula."""
    line(f"output           {'x'.join(map(str, worked.output_shape))}")
    for name, formulas in (
        ("size", worked.sizes),
        ("parameters", (worked.parameters,)),
        ("multiply-adds", (worked.multiply_adds,)),
        ("receptive field", worked.receptive_field),
    ):
        for formula in dict.fromkeys(formulas):
            line(f"{name:<16} {formula}")
    for note in worked.notes:
        line(f"{'':<16} {note}")
