"""Compare the outputs of an artefact with those of its run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.formatting import percent
from dlkit.interfaces.exporter import Tolerance
from dlkit.media.spelling import labels_of, texts_of
from dlkit.model.built import BuiltModel

ANY = Tolerance(absolute=float("inf"), relative=0.0, ties=1.0)
"""What a format may differ by whose certificate compares the metric instead."""


@dataclass(frozen=True)
class Request:
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


def expected_outputs(built: BuiltModel, raw: Any, allowed: Tolerance) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the outputs of the run's own model, and where labels are tied (n,).

    A model with scores also has a `label`, one that spells a `text`.
    """
    answer = {name: np.asarray(value) for name, value in built.predict_raw(tf.constant(raw)).items()}
    tied = np.zeros(len(next(iter(answer.values()))), bool)
    if built.scores is not None:
        tied = tied_labels(answer[built.scores], allowed)
        answer["label"] = labels_of(answer[built.scores], built.class_names)
    if built.spells is not None:
        answer["text"] = texts_of(answer[built.spells], built.class_names)
    return answer, tied


def tied_labels(scores: np.ndarray, allowed: Tolerance) -> np.ndarray:
    """Return whether the two best of scores (n, classes) differ by no more than the tolerance of both."""
    second, first = np.sort(scores.astype(np.float64), axis=-1)[:, -2:].T
    close: np.ndarray = first - second <= 2 * (allowed.absolute + allowed.relative * np.abs(first))
    return close


def compare(
    number: int, request: Request, answers: Mapping[str, np.ndarray], allowed: Tolerance, turns: int = 4
) -> dict[str, Any]:
    """Return the largest difference over all turns (two batch sizes, twice), and the share of equal labels, if any."""
    largest, repeated, passed = 0.0, 0.0, True
    shares: list[float] = []
    for name, wanted in request.expected.items():
        given = [answers[f"{number}/{turn}/{name}"] for turn in range(turns)]
        for turn, found in enumerate(given):
            if found.shape != wanted.shape:
                passed, largest = False, float("inf")
            elif wanted.dtype.kind in "Siu":
                equal = found == wanted
                shares.append(float(np.mean(equal)))
                either = equal | request.tied if wanted.dtype.kind == "S" else equal
                passed = passed and np.mean(either) >= (1 if wanted.dtype.kind == "S" else 1 - allowed.ties)
            else:
                difference = _difference(found, wanted)
                passed = passed and bool(np.all(difference <= allowed.absolute + allowed.relative * np.abs(wanted)))
                largest = max(largest, float(difference.max()))
                repeated = max(repeated, float(_difference(found, given[turn % 2]).max()))
    return {
        "largest_absolute_difference": largest,
        "largest_difference_between_two_calls": repeated,
        "label_agreement": min(shares, default=None),
        "passed": bool(passed and np.isfinite(largest) and repeated <= allowed.absolute),
    }


def _difference(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return |found - wanted|, 0 where both are the same infinity, and infinity where one is NaN."""
    with np.errstate(invalid="ignore"):
        difference = np.where(found == wanted, 0.0, np.abs(found.astype(np.float64) - wanted))
    return np.nan_to_num(difference, nan=np.inf, posinf=np.inf)


def merged(checks: Iterable[Mapping[str, Any]], sizes: list[int]) -> dict[str, Any]:
    """Return the result of several comparisons of parts of one split, whose numbers of examples are `sizes`."""
    parts = list(checks)
    agreements = [part["label_agreement"] for part in parts]
    known = None not in agreements
    return {
        "largest_absolute_difference": max(part["largest_absolute_difference"] for part in parts),
        "label_agreement": float(np.average(agreements, weights=sizes)) if known else None,
        "passed": all(part["passed"] for part in parts),
    }


def worst(certificate: Mapping[str, Any]) -> str:
    """Describe how far the outputs of an artefact are from its run's."""
    agreement = certificate["label_agreement"]
    labels = ", on" if agreement is None else f", labels agree on {percent(agreement)} of"
    return (
        f"largest absolute difference {certificate['largest_absolute_difference']:.3g} ({_allowed(certificate)})"
        f"{labels} {certificate['samples']} samples{_of_metric(certificate.get('metric'))}"
    )


def _allowed(certificate: Mapping[str, Any]) -> str:
    allowed, precision = certificate["tolerance"], certificate.get("precision", "float32")
    if allowed is None:
        return "any: the metric decides"
    of_precision = "" if precision == "float32" else f" in {precision}"
    return f"allowed {allowed['absolute']:g} + {allowed['relative']:g} |y|{of_precision}"


def _of_metric(metric: Mapping[str, Any] | None) -> str:
    if metric is None:
        return ""
    return (
        f"; {metric['name']} {metric['artefact']:.4g} instead of {metric['run']:.4g} on {metric['examples']} examples"
    )
