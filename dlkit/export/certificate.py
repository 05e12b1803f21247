"""The certificate of an artefact: reloaded in a clean process, it gives the same outputs as the run."""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.catalog.find import load
from dlkit.errors import CheckError
from dlkit.export.stored import hashes, load_samples
from dlkit.formatting import percent
from dlkit.interfaces.exporter import Exporter, Tolerance
from dlkit.machine.environment import versions
from dlkit.model.built import BuiltModel
from dlkit.model.trained import TrainedModel

RELOAD_SECONDS = 600


@dataclass(frozen=True)
class _Request:
    """The inputs sent to one endpoint, and the outputs of the run's own model for them.

    key: `<examples>/<endpoint>/<argument>`. tied: bool (n,), where the two best scores are so close that either label
    is right.
    """

    key: str
    values: np.ndarray
    expected: Mapping[str, np.ndarray]
    tied: np.ndarray

    @property
    def title(self) -> str:
        """Return the endpoint and the examples, for display."""
        examples, endpoint, _ = self.key.split("/")
        return f"{endpoint} on {examples}"


def exporter_of(format_name: str) -> Exporter:
    """Return the exporter of a format; raise InputError with the closest names when there is none."""
    found: Exporter = load("exporter", format_name)()
    return found


def certify(trained: TrainedModel, format_name: str, artefact: Path, part: str | None) -> dict[str, Any]:
    """Return an artefact's certificate (docs/json.md): its outputs compared with the run's, and a hash per file."""
    exporter, samples = exporter_of(format_name), trained.built.samples(load_samples(trained.run))
    precision = trained.loaded.recipe.training.precision
    allowed = exporter.tolerance.at(precision)
    requests = _requests(exporter, trained.built, samples, allowed)
    answers = _reload(exporter, artefact, requests)
    checks = {request.title: _compare(number, request, answers, allowed) for number, request in enumerate(requests)}
    agreements = [check["label_agreement"] for check in checks.values()]
    tolerance = {"absolute": allowed.absolute, "relative": allowed.relative}
    return {
        "format": format_name,
        "part": part,
        "recipe": trained.loaded.recipe.name,
        "run": str(trained.run.path),
        "checkpoint": trained.checkpoint,
        "samples": len(samples),
        "batch_sizes": [len(samples), 1],
        "precision": precision,
        "tolerance": tolerance,
        "largest_absolute_difference": max(check["largest_absolute_difference"] for check in checks.values()),
        "label_agreement": None if None in agreements else min(agreements),
        "passed": all(check["passed"] for check in checks.values()),
        "checks": checks,
        "versions": versions(),
        "files": hashes(artefact),
    }


def worst(certificate: Mapping[str, Any]) -> str:
    """Describe how far the outputs of an artefact are from its run's."""
    allowed, agreement = certificate["tolerance"], certificate["label_agreement"]
    labels = ", on" if agreement is None else f", labels agree on {percent(agreement)} of"
    return (
        f"largest absolute difference {certificate['largest_absolute_difference']:.3g} "
        f"(allowed {allowed['absolute']:g} + {allowed['relative']:g} |y|{_of_precision(certificate)})"
        f"{labels} {certificate['samples']} samples"
    )


def _of_precision(certificate: Mapping[str, Any]) -> str:
    precision = certificate.get("precision", "float32")
    return "" if precision == "float32" else f" in {precision}"


def _requests(exporter: Exporter, built: BuiltModel, samples: np.ndarray, allowed: Tolerance) -> list[_Request]:
    """Return real examples for every endpoint, with the outputs of the run's own model."""
    arrays = {"samples": samples}
    if built.resize is not None:  # another size must pass through the resize
        arrays["samples of twice the size"] = np.repeat(np.repeat(samples, 2, axis=1), 2, axis=2)
    found = []
    for title, array in arrays.items():
        answer = {name: np.asarray(value) for name, value in built.predict_raw(tf.constant(array)).items()}
        tied = np.zeros(len(array), bool)
        if built.scores is not None:
            tied = _tied(answer[built.scores], allowed)
            best = answer[built.scores].argmax(axis=-1)
            answer["label"] = np.asarray([built.class_names[index].encode() for index in best])
        for endpoint, values in exporter.endpoints(built, array).items():
            found.append(_Request(f"{title}/{endpoint}", values, answer, tied))
    return found


def _tied(scores: np.ndarray, allowed: Tolerance) -> np.ndarray:
    """Return whether the two best of scores (n, classes) differ by no more than the tolerance of both."""
    second, first = np.sort(scores.astype(np.float64), axis=-1)[:, -2:].T
    close: np.ndarray = first - second <= 2 * (allowed.absolute + allowed.relative * np.abs(first))
    return close


def _reload(exporter: Exporter, artefact: Path, requests: list[_Request]) -> dict[str, np.ndarray]:
    """Return the artefact's outputs in a clean process that cannot import dlkit."""
    with tempfile.TemporaryDirectory() as scratch:
        asked, answered = Path(scratch) / "requests.npz", Path(scratch) / "answers.npz"
        arrays = {f"{number}/{request.key.split('/', 1)[1]}": request.values for number, request in enumerate(requests)}
        np.savez(asked, allow_pickle=False, **arrays)
        plain = Path(scratch) / "artefact"  # TensorFlow takes []*{} in a path for a pattern
        plain.symlink_to(artefact.resolve(), target_is_directory=True)
        command = [sys.executable, "-I", str(exporter.reader), str(plain), str(asked), str(answered)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=RELOAD_SECONDS, check=False)
        if done.returncode != 0:
            last = done.stderr.strip().splitlines()[-1:] or ["no message"]
            raise CheckError(f"a clean process cannot run {artefact}: {last[0]}", "export the run again")
        with np.load(answered, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}


def _compare(number: int, request: _Request, answers: Mapping[str, np.ndarray], allowed: Tolerance) -> dict[str, Any]:
    """Return the largest difference over both batch sizes and both rounds, and the share of equal labels, if any."""
    largest, repeated, passed = 0.0, 0.0, True
    shares: list[float] = []
    for name, wanted in request.expected.items():
        turns = [answers[f"{number}/{turn}/{name}"] for turn in range(4)]
        for turn, found in enumerate(turns):
            if found.shape != wanted.shape:
                passed, largest = False, float("inf")
            elif wanted.dtype.kind in "Siu":
                equal = found == wanted
                shares.append(float(np.mean(equal)))
                either = equal | request.tied if wanted.dtype.kind == "S" else equal
                passed = passed and np.mean(either) >= (1 if wanted.dtype.kind == "S" else 1 - allowed.ties)
            else:
                difference = np.abs(found.astype(np.float64) - wanted)
                passed = passed and bool(np.all(difference <= allowed.absolute + allowed.relative * np.abs(wanted)))
                largest = max(largest, float(difference.max()))
                repeated = max(repeated, float(np.abs(found.astype(np.float64) - turns[turn % 2]).max()))
    return {
        "largest_absolute_difference": largest,
        "largest_difference_between_two_calls": repeated,
        "label_agreement": min(shares, default=None),
        "passed": bool(passed and repeated <= allowed.absolute),
    }
