"""Export the candidates of a shrinking with certificates, measure them together, and choose the smallest."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dlkit.experiments.shrink import Shrink
from dlkit.export.certificate import exporter_of, threads
from dlkit.export.compare import ANY
from dlkit.export.reader import Reader
from dlkit.export.table import CERTIFIED, Row, export_formats, measure_rows
from dlkit.export.validation import compare_held_out, held_out
from dlkit.model.trained import TrainedModel, open_run
from dlkit.runs.directory import RunDirectory


def compare_candidates(work: Shrink, runs: Mapping[float, Path | str], note: Callable[[str], None]) -> dict[str, Any]:
    """Return and write the table of all candidates, and the smallest one within the budget."""
    opened = {width: open_run(RunDirectory(run)) for width, run in runs.items() if isinstance(run, Path)}
    found = [
        (width, trained, row)
        for width, trained in opened.items()
        for row in export_formats(work.request(trained.run.path), trained, work.formats, note)
    ]
    note("measuring the candidates together ...")
    measure_rows([(trained, row) for _, trained, row in found], work.rounds)
    reference = reference_metric([row for width, _, row in found if width == 1])
    candidates = [candidate(work, width, trained, row, reference) for width, trained, row in found]
    chosen = min((item for item in candidates if item["within"]), key=lambda item: item["size"], default=None)
    content = {
        "run": str(work.run.path),
        "budget": vars(work.budget),
        "teacher": work.teacher,
        "reference": reference,
        "chosen": chosen,
        "candidates": candidates,
        "failed_trainings": {f"{width:g}": run for width, run in runs.items() if isinstance(run, str)},
        "test": _on_test(chosen, opened[1], note) if chosen is not None and work.test else None,
    }
    file = work.folder.with_name(f"{work.folder.name}.json")
    RunDirectory(file.parent).write_json(file.name, content)
    return {"file": str(file)} | content


def reference_metric(rows: list[Row]) -> dict[str, Any] | None:
    """Return the metric of the run itself on validation, from any of its certificates; None without validation."""
    for row in rows:
        if row.certificate and row.certificate["metric"]:
            metric = row.certificate["metric"]
            return {key: metric[key] for key in ("name", "run", "higher_is_better", "examples")}
    return None


def candidate(
    work: Shrink, width: float, trained: TrainedModel, row: Row, reference: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return a row of the table: what the candidate is, what it takes and loses, and which limits it exceeds."""
    certificate = row.certificate or {}
    batches = (certificate.get("latency") or {"batches": {}})["batches"]
    content: dict[str, Any] = {
        "width": width,
        "run": str(trained.run.path),
        "format": row.format_name,
        "status": row.status,
        "reason": row.reason,
        "path": row.path and str(row.path),
        "size": certificate.get("size"),
        "metric": (certificate.get("metric") or {}).get("artefact"),
        "latency_ms": batches["1"]["p50_ms"] if batches else None,
        "examples_per_second": [*batches.values()][-1]["examples_per_second"] if batches else None,
    }
    content["loss"] = loss_of(content["metric"], reference)
    exceeded = work.budget.exceeded(content)
    return content | {"exceeds": exceeded, "within": row.status == CERTIFIED and not exceeded}


def loss_of(value: float | None, reference: Mapping[str, Any] | None) -> float | None:
    """Return how much worse a metric is than the run's: in points, or for an error as a share of it."""
    if value is None or reference is None:
        return None
    if reference["higher_is_better"]:
        return float(reference["run"] - value)
    return float((value - reference["run"]) / max(abs(reference["run"]), 1e-12))


def _on_test(chosen: Mapping[str, Any], trained: TrainedModel, note: Callable[[str], None]) -> dict[str, Any] | None:
    """Return the metric of the run and of the chosen artefact on test, which has decided nothing."""
    note("measuring the choice on test ...")
    data = held_out(trained, None, note, "test")
    if data is None:
        return None
    exporter = exporter_of(chosen["format"])
    with Reader(exporter, Path(chosen["path"]), threads()) as reader:
        return compare_held_out(reader, exporter, trained.built, data, ANY)[1]
