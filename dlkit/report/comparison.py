"""Write the page that compares runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlkit import __version__
from dlkit.files.atomic import write_text
from dlkit.formatting import measured, rounded
from dlkit.report.charts import LineChart, line_chart
from dlkit.report.rendering import filled, shape_text
from dlkit.runs.directory import RunDirectory
from dlkit.runs.history import history_so_far


def write_comparison(runs: Sequence[RunDirectory], result: Mapping[str, Any], path: Path) -> Path:
    """Write the result of compare, with the curves of all runs over each other, as one HTML file."""
    names = [entry["name"] for entry in result["runs"]]
    metrics = list(dict.fromkeys(name for entry in result["runs"] for name in entry["metrics"]))
    content = {
        "version": __version__,
        "names": names,
        "result": result,
        "rows": overview(result, metrics),
        "recipe": [[row["key"], *map(_shown, row["values"])] for row in result["recipe"]],
        "layers": [[str(row["row"]), *map(_layer, row["layers"])] for row in result["layers"]],
        "charts": _charts(runs, names),
    }
    write_text(path, filled("comparison.html", content))
    return path


def overview(result: Mapping[str, Any], metrics: Sequence[str]) -> list[list[str]]:
    """Return rows of texts: epochs, parameters, multiply-adds, then each metric of the compared split."""
    runs = result["runs"]
    rows = [["epochs", *(str(entry["epochs"]) for entry in runs)]]
    times = [entry["seconds"] for entry in runs]
    rows.append(["training (s)", *("unknown" if time is None else rounded(time, 3) for time in times)])
    for title, key in (("parameters", "parameters"), ("multiply-adds", "multiply_adds")):
        rows.append([title, *("unknown" if entry[key] is None else f"{entry[key]:,}" for entry in runs)])
    for name in metrics:
        values = [entry["metrics"].get(name) for entry in runs]
        rows.append([f"{result['split']} {name}", *("" if value is None else measured(value) for value in values)])
    return rows


def _shown(value: Any) -> str:
    return "" if value is None else str(value)


def _layer(row: Sequence[Any] | None) -> str:
    return "" if row is None else f"{row[0]}, {shape_text(row[1])}, {row[2]:,} parameters"


def _charts(runs: Sequence[RunDirectory], names: Sequence[str]) -> list[LineChart]:
    """Return a chart of every metric that at least one run has; a colour for each run, dashes for validation."""
    histories = [history_so_far(run) for run in runs]
    skipped = ("epoch", "phase", "seconds")
    metrics = dict.fromkeys(name for history in histories for name in history if name not in skipped)
    charts = []
    for metric in [name for name in metrics if not name.startswith(("val_", "learning_rate"))]:
        series = {
            f"{name}, {part}": (history[key], place, part == "validation")
            for place, (name, history) in enumerate(zip(names, histories, strict=True))
            for part, key in (("train", metric), ("validation", f"val_{metric}"))
            if key in history
        }
        charts.append(line_chart(f"{metric} by epoch", series))
    return charts
