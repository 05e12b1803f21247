"""The certificate of an artefact: reloaded in a clean process, it gives the same outputs as the run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.catalog.find import load
from dlkit.errors import CheckError
from dlkit.export.compare import ANY, Request, compare, expected_outputs
from dlkit.export.reader import Reader
from dlkit.export.stored import hashes, load_samples, weights_hash
from dlkit.export.validation import HeldOut, add_labels, compare_held_out
from dlkit.interfaces.exporter import Exporter, Tolerance
from dlkit.machine.environment import versions
from dlkit.machine.hardware import usable_cores
from dlkit.model.built import BuiltModel
from dlkit.model.trained import TrainedModel
from dlkit.runs.inspection import CERTIFICATE

ALLOWED_LOSS = 0.01
"""How much of its metric an artefact that rounds may lose: points of a share, or this share of an error."""


class CertificateError(CheckError):
    """An artefact that differs from its run, with its certificate (exit 1)."""

    def __init__(self, message: str, hint: str, certificate: dict[str, Any]) -> None:
        super().__init__(message, hint)
        self.certificate = certificate


def exporter_of(format_name: str) -> Exporter:
    """Return the exporter of a format; raise InputError with the closest names when there is none."""
    found: Exporter = load("exporter", format_name)()
    return found


def threads() -> int:
    """Return how many threads artefacts compute with: one for each core that this process may use."""
    return max(1, int(usable_cores()))


def certify(
    trained: TrainedModel,
    format_name: str,
    artefact: Path,
    part: str | None,
    data: HeldOut | None = None,
    allowed_loss: float = ALLOWED_LOSS,
) -> dict[str, Any]:
    """Return an artefact's certificate (docs/json.md): its outputs compared with the run's, and a hash per file."""
    exporter, samples = exporter_of(format_name), trained.built.samples(load_samples(trained.run))
    precision = trained.loaded.recipe.training.precision
    allowed = exporter.tolerance.at(precision) if exporter.tolerance else ANY
    with Reader(exporter, artefact, threads()) as reader:
        checks = check_samples(reader, exporter, trained.built, samples, allowed)
        validation, metric = (
            compare_held_out(reader, exporter, trained.built, data, allowed) if data is not None else (None, None)
        )
        runtime = reader.versions
    compared = [*checks.values(), *([validation] if validation else [])]
    agreements = [check["label_agreement"] for check in compared]
    certificate = {
        "format": format_name,
        "part": part,
        "recipe": trained.loaded.recipe.name,
        "run": str(trained.run.path),
        "checkpoint": trained.checkpoint,
        "weights": weights_hash(trained.run, trained.checkpoint),
        "samples": len(samples),
        "batch_sizes": [len(samples), 1],
        "precision": precision,
        "tolerance": None if allowed is ANY else {"absolute": allowed.absolute, "relative": allowed.relative},
        "largest_absolute_difference": max(check["largest_absolute_difference"] for check in compared),
        "label_agreement": None if None in agreements else min(agreements),
        "checks": checks,
        "validation": validation,
        "metric": metric,
        "allowed_loss": allowed_loss if allowed is ANY else None,
        "size": sum(path.stat().st_size for path in model_files(artefact)),
        "latency": None,
        "threads": threads(),
        "runtime": runtime,
        "versions": versions(),
        "files": hashes(artefact),
    }
    equal = all(check["passed"] for check in compared)
    return certificate | {"passed": equal and (allowed is not ANY or _loses_little(certificate))}


def _loses_little(certificate: Mapping[str, Any]) -> bool:
    """Return whether an artefact that rounds keeps its metric, or else its labels or values."""
    allowed, metric, agreement = (certificate[key] for key in ("allowed_loss", "metric", "label_agreement"))
    if metric is not None:
        return bool(metric["loss"] <= allowed)
    if agreement is not None:
        return bool(agreement >= 1 - allowed)
    return bool(certificate["largest_absolute_difference"] <= allowed)


def check_samples(
    reader: Reader, exporter: Exporter, built: BuiltModel, samples: np.ndarray, allowed: Tolerance
) -> dict[str, dict[str, Any]]:
    """Return the comparison of every endpoint on the samples: as one batch, one by one, and both again."""
    requests = _requests(exporter, built, samples, allowed)
    arrays = {f"{number}/{request.key.split('/', 1)[1]}": request.values for number, request in enumerate(requests)}
    answers = reader.answers(arrays, [len(samples), 1] * 2)
    add_labels(answers, built, 4, len(requests))
    return {request.title: compare(number, request, answers, allowed) for number, request in enumerate(requests)}


def _requests(exporter: Exporter, built: BuiltModel, samples: np.ndarray, allowed: Tolerance) -> list[Request]:
    """Return real examples for every endpoint, with the outputs of the run's own model."""
    arrays = {"samples": samples}
    if built.resize is not None:  # another size must pass through the resize
        arrays["samples of twice the size"] = np.repeat(np.repeat(samples, 2, axis=1), 2, axis=2)
    if built.sampling_rate is not None:  # files are not padded, so that only those of one length make one batch
        arrays["samples of one length"] = samples[:, : np.isfinite(samples).sum(axis=1).min()]
    found = []
    for title, array in arrays.items():
        answer, tied = expected_outputs(built, array, allowed)
        for endpoint, values in exporter.endpoints(built, array).items():
            found.append(Request(f"{title}/{endpoint}", values, answer, tied))
    return found


def model_files(artefact: Path) -> list[Path]:
    """Return the files of the model itself, without what is beside it for people and programs."""
    beside = {CERTIFICATE, "model.json", "class_names.json", "columns.json"}
    return sorted(path for path in artefact.rglob("*") if path.is_file() and path.name not in beside)
