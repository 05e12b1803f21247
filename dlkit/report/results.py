"""Curves, and what a run answers on its splits: tables, confusion matrix, calibration, mistakes, figures."""

import csv
from collections.abc import Mapping
from typing import Any

import numpy as np

from dlkit.errors import DlkitError
from dlkit.formatting import measured
from dlkit.report.about import mistakes
from dlkit.report.charts import LineChart, line_chart, reliability_chart
from dlkit.report.pictures import stored_picture
from dlkit.runs.answers import read_answers
from dlkit.runs.directory import RunDirectory
from dlkit.runs.history import history_so_far
from dlkit.safety.files import require_file

MOST_CLASSES, MOST_ROWS, BINS, MOST_SPLITS = 30, 200, 10, 6
MOST_FIGURES, MOST_BYTES = 12, 3_500_000
DRAWN_HERE = ("confusion_matrix_", "mistakes_")
"""The figures of a run that the page draws itself."""


def curves(run: RunDirectory) -> list[LineChart]:
    """Return a chart of every metric by epoch, train and validation together, and of the learning rate."""
    history = history_so_far(run)
    names = [name for name in history if not name.startswith("val_") and name not in ("epoch", "phase", "seconds")]
    charts = []
    for name in names:
        series: dict[str, tuple[list[float], int, bool]] = {f"{name}, train": (history[name], 0, False)}
        if name.startswith("learning_rate"):
            if len(set(history[name])) < 2:
                continue
            series = {name: (history[name], 2, False)}
        if f"val_{name}" in history:
            series[f"{name}, validation"] = (history[f"val_{name}"], 1, True)
        charts.append(line_chart(f"{name} by epoch", series))
    return charts


def splits(run: RunDirectory) -> list[dict[str, Any]]:
    """Return what is known of the answers on each evaluated split, and on validation."""
    content = run.read_json("metrics.json")
    evaluated = content.get("evaluation", {})
    names = [*evaluated, *(["validation"] if content.get("training") and "validation" not in evaluated else [])]
    class_names = list(run.read_json("data.json").get("description", {}).get("class_names", ()))
    found = [_split(run, name, class_names) for name in names[:MOST_SPLITS]]
    return [one for one in found if one["table"] or one["matrix"] or one["mistakes"]]


def _split(run: RunDirectory, name: str, class_names: list[str]) -> dict[str, Any]:
    answers, worst = read_answers(run, name) or ({}, {})
    matrix = _matrix(answers, class_names)
    return {
        "name": name,
        "table": _table(run, name),
        "matrix": matrix,
        "pairs": _confused(answers, class_names) if matrix is None else [],
        "calibration": _calibration(answers),
        "mistakes": mistakes(worst),
        "wrong": int((~answers["correct"].astype(bool)).sum()) if "correct" in answers else None,
        "examples": len(next(iter(answers.values()))) if answers else None,
    }


def _table(run: RunDirectory, split: str) -> dict[str, Any] | None:
    """Return the table that an evaluation wrote, such as per_class_<split>.csv."""
    for path in sorted(run.path.glob(f"per_*_{split}.csv")):
        try:
            require_file(path)
            with path.open(encoding="utf-8", newline="") as stream:
                header, *rows = list(csv.reader(stream))
        except (DlkitError, OSError, ValueError, csv.Error):
            continue
        cells = [[row[0], *map(_number, row[1:])] for row in rows[:MOST_ROWS] if row]
        return {"header": header, "rows": cells, "left_out": max(0, len(rows) - MOST_ROWS)}
    return None


def _number(text: str) -> str:
    try:
        return text if text.isdigit() else measured(float(text))
    except ValueError:
        return text


def _counts(answers: Mapping[str, np.ndarray], classes: int) -> np.ndarray | None:
    if not {"target", "predicted"} <= set(answers) or classes < 2:
        return None
    pairs = np.stack([answers["target"], answers["predicted"]]).astype(np.int64)
    if pairs.ndim != 2 or pairs.min(initial=0) < 0 or pairs.max(initial=0) >= classes:
        return None
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (pairs[0], pairs[1]), 1)
    return matrix


def _matrix(answers: Mapping[str, np.ndarray], class_names: list[str]) -> dict[str, Any] | None:
    """Return the rows of the confusion matrix: counts with their shares of the true class; None for many classes."""
    counts = _counts(answers, len(class_names)) if len(class_names) <= MOST_CLASSES else None
    if counts is None:
        return None
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows = [
        {"name": name, "cells": [(int(count), round(float(share), 3)) for count, share in zip(*row, strict=True)]}
        for name, row in zip(class_names, zip(counts, shares, strict=True), strict=True)
    ]
    return {"names": class_names, "rows": rows, "right": int(np.trace(counts)), "all": int(counts.sum())}


def _confused(answers: Mapping[str, np.ndarray], class_names: list[str]) -> list[tuple[str, str, int]]:
    """Return the most frequent confusions of many classes: true class, predicted class, count."""
    counts = _counts(answers, len(class_names))
    if counts is None:
        return []
    np.fill_diagonal(counts, 0)
    most = np.argsort(-counts, axis=None, kind="stable")[:20]
    pairs = [divmod(int(place), len(class_names)) for place in most]
    found = [(class_names[row], class_names[column], int(counts[row, column])) for row, column in pairs]
    return [one for one in found if one[2]]


def _calibration(answers: Mapping[str, np.ndarray]) -> dict[str, Any] | None:
    """Return accuracy by confidence, and the expected calibration error (Guo et al. 2017) over BINS equal bins."""
    if not {"correct", "probability"} <= set(answers) or not len(answers["correct"]):
        return None
    sure, right = answers["probability"].astype(float), answers["correct"].astype(float)
    bins = np.clip((sure * BINS).astype(int), 0, BINS - 1)
    used = [number for number in range(BINS) if (bins == number).any()]
    confidence = [float(sure[bins == number].mean()) for number in used]
    accuracy = [float(right[bins == number].mean()) for number in used]
    weights = [float((bins == number).mean()) for number in used]
    error = sum(w * abs(c - a) for w, c, a in zip(weights, confidence, accuracy, strict=True))
    return {"error": measured(error), "chart": reliability_chart(confidence, accuracy)}


def figures(run: RunDirectory, charted: bool) -> dict[str, Any]:
    """Return the pictures that training and evaluation drew, by name, without those that the page draws itself.

    They are at most MOST_FIGURES, and together at most MOST_BYTES; the others are counted.
    """
    drawn = set(history_so_far(run)) if charted else set()
    found: list[tuple[str, str]] = []
    left_out = 0
    for path in sorted((run.path / "figures").glob("*.png")):
        if path.stem in drawn or path.stem.startswith(DRAWN_HERE) or (shown := stored_picture(path)) is None:
            continue
        if len(found) < MOST_FIGURES and sum(len(one) for _, one in found) + len(shown) <= MOST_BYTES:
            found.append((path.stem.replace("_", " "), shown))
        else:
            left_out += 1
    return {"shown": found, "left_out": left_out}
