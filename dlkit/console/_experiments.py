"""Print the results of experiments on recipes and runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlkit.console._grid import table
from dlkit.console._primitives import line, note
from dlkit.formatting import measured, percent

SHOWN = 15


def show_gradcheck(result: Mapping[str, Any]) -> None:
    """Print the relative error of every gradient, and what is wrong."""
    rows = [
        (g["part"], g["kind"], g["of"], _error(g["error"]), g["method"], "" if g["right"] else "WRONG")
        for g in result["gradients"]
    ]
    table(("part", "kind", "gradient by", "relative error", "against", ""), rows, right=(3,))
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


def note_attempt(attempt: Mapping[str, Any]) -> None:
    """Print one attempt of an attack on stderr."""
    aim = "" if attempt["target"] is None else f" towards {attempt['target']}"
    verdict = "succeeds" if attempt["success"] else "fails"
    note(f"example {attempt['example']}{aim}  {verdict}  {_change(attempt)}")


def show_attack(result: Mapping[str, Any]) -> None:
    """Print how often an attack succeeded, by class, and its first successes."""
    successes = [attempt for attempt in result["attempts"] if attempt["success"]]
    rows = [(a["example"], _change(a), _pixels(a)) for a in successes[:SHOWN]]
    table(("example", "success", "changed"), rows)
    counts = [(row["class"], row["attempts"], row["successes"]) for row in result["classes"]]
    table(("class", "attempts", "successes"), counts, right=(1, 2))
    low, high = result["interval"]
    line(
        f"{result['successes']} of {len(result['attempts'])} attempts succeed: {percent(result['rate'])} "
        f"(95 % interval {percent(low)} to {percent(high)})"
    )
    line(f"written  {result['file']}, and the pictures beside it")


def _change(attempt: Mapping[str, Any]) -> str:
    before, after = percent(attempt["confidence"]), percent(attempt["new_confidence"])
    return f"{attempt['class']} {before} -> {attempt['predicted']} {after}"


def _pixels(attempt: Mapping[str, Any]) -> str:
    if "pixels" not in attempt:
        return f"{attempt['pixels_changed']} pixels"
    return "; ".join(f"row {p['row']}, column {p['column']}: {p['value']}" for p in attempt["pixels"])


def note_lesion(entry: Mapping[str, Any]) -> None:
    """Print the accuracy without one part on stderr."""
    note(f"without {entry['name']}  {_accuracies(entry)}")


def show_lesions(results: Sequence[Mapping[str, Any]]) -> None:
    """Print what each network loses without each of its parts."""
    for result in results:
        rows = [("(nothing)", measured(result["whole"]), "")]
        rows += [(entry["name"], measured(entry["accuracy"]), _again(entry)) for entry in result["lesions"]]
        table((f"without this {result['unit']}", "accuracy", "statistics estimated again"), rows, right=(1, 2))
        if result["kept"]:
            line(f"cannot be taken out: {', '.join(result['kept'])}")
        line(f"written  {result['run']}/lesion.json, and figures/lesion.png")


def _accuracies(entry: Mapping[str, Any]) -> str:
    again = f", statistics estimated again {_again(entry)}" if entry["reestimated"] is not None else ""
    return f"accuracy {measured(entry['accuracy'])}{again}"


def _again(entry: Mapping[str, Any]) -> str:
    return "" if entry["reestimated"] is None else measured(entry["reestimated"])


def note_gradients(measurement: Mapping[str, Any]) -> None:
    """Print that one recipe's gradients are measured, on stderr."""
    note(f"measured  {_subject(measurement)}")


def show_gradients(content: Mapping[str, Any]) -> None:
    """Print the gradients by the first and the last layer of every recipe, and their ratio."""
    rows = []
    for measurement in content["measurements"]:
        for when, norms in (("update 0", measurement["first"][0]), (_after(measurement), measurement["after"])):
            if norms:
                first, last = (float("nan") if norm is None else norm for norm in (norms[0], norms[-1]))
                ratio = first / last if last else float("inf")
                rows.append((_subject(measurement), when, f"{first:.2e}", f"{last:.2e}", f"{ratio:.2g}"))
    table(("recipe", "at", "first layer", "last layer", "first / last"), rows, right=(2, 3, 4))
    line(f"figure  {content['figure']}")


def _after(measurement: Mapping[str, Any]) -> str:
    return f"after {measurement['updates']} updates"


def _subject(measurement: Mapping[str, Any]) -> str:
    settings = (f"{key.rpartition('.')[2]}={value}" for key, value in measurement["parameters"].items())
    return " ".join([measurement["recipe"], *settings])


def show_pca(content: Mapping[str, Any]) -> None:
    """Print how much of the variance the first components explain, and what separates the classes."""
    shares, total = content["explained_variance_ratio"], 0.0
    rows = []
    for number, share in enumerate(shares[:SHOWN], 1):
        total += share
        rows.append((number, percent(share), percent(min(total, 1))))
    table(("component", "variance", "so far"), rows, right=(0, 1, 2))
    for share, count in content["components_for"].items():
        line(f"{percent(float(share))} of the variance: {count} of {content['values']} components")
    for name, lines in content["separable"].items():
        if lines is not None:
            line(f"{name:<6} two components, classes separated by lines: {percent(lines)}")
    line(f"written  {content['folder']}: pca.json, pca.npz, figures/pca.png")
