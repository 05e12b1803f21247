"""Print diagnoses and comparisons of runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.console._grid import table
from dlkit.console._primitives import line
from dlkit.formatting import measured, rounded


def show_diagnosis(result: Mapping[str, Any]) -> None:
    """Print what is wrong with a run, or that nothing was found."""
    line(result["run"])
    if not result["findings"]:
        line("nothing wrong was found")
    show_findings(result["findings"])


def show_findings(findings: Sequence[Mapping[str, Any]]) -> None:
    """Print findings, each with its evidence and one thing to try."""
    for finding in findings:
        line(f"diagnosis  {finding['says']}")
        for text in finding["evidence"]:
            line(f"           {text}")
        line(f"    try    {finding['try']}")


def show_comparison(result: Mapping[str, Any]) -> None:
    """Print how runs differ, and the verdict of the tests on the same examples last."""
    runs = result["runs"]
    names = [entry["name"] for entry in runs]
    metrics = list(dict.fromkeys(name for entry in runs for name in entry["metrics"]))
    counts = [(key, [entry[key] for entry in runs]) for key in ("epochs", "parameters", "multiply_adds")]
    rows = [(key.replace("_", "-"), *("?" if n is None else f"{n:,}" for n in found)) for key, found in counts]
    times = [entry["seconds"] for entry in runs]
    rows.append(("training (s)", *("?" if time is None else rounded(time, 3) for time in times)))
    for name in metrics:
        values = [entry["metrics"].get(name) for entry in runs]
        rows.append((f"{result['split']} {name}", *("" if value is None else measured(value) for value in values)))
    table(("", *names), rows, right=range(1, len(names) + 1))
    for row in result["recipe"]:
        line(f"recipe   {row['key']}: {' | '.join('-' if v is None else str(v) for v in row['values'])}")
    for part in result["data"]:
        if not part["same"]:
            line(f"data     {part['split']} differs: {' | '.join(map(str, part['examples']))} examples")
    for row in result["layers"]:
        cells = ("-" if cell is None else f"{cell[0]} {cell[1]} {cell[2]:,}" for cell in row["layers"])
        line(f"layer {row['row']:<3}{' | '.join(cells)}")
    for test in result["tests"]:
        line(f"verdict  {test['first']} and {test['second']}: {test['verdict']}")
        line(f"         {_evidence(test)}")


def _evidence(test: Mapping[str, Any]) -> str:
    if test["test"] is None:
        return str(test["reason"])
    if test["test"] == "McNemar":
        alone = f"only the first is right on {test['only_first_right']}, only the second on {test['only_second_right']}"
        return f"McNemar's exact test: {alone}; p = {test['adjusted_p']:.3g}"
    low, high = map(measured, test["interval"])
    apart = f"errors differ by {measured(test['difference'])} ({low} to {high})"
    return f"paired bootstrap: {apart}; p = {test['adjusted_p']:.3g}"
