"""Diagnose a run: measure, ask every check, and keep the findings in the run, the likeliest cause first."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlkit.data.recorded import dataset_of
from dlkit.diagnosis import of_data, of_record, of_training
from dlkit.diagnosis.finding import Finding
from dlkit.diagnosis.leaks import shared_examples
from dlkit.diagnosis.record import Record
from dlkit.diagnosis.signals import Signals
from dlkit.diagnosis.stored import RESULT
from dlkit.figures.mistakes import shown_examples
from dlkit.model.digest import weights_digest
from dlkit.model.trained import TrainedModel, open_run
from dlkit.recipe import load_recipe
from dlkit.recipe.places import hint_at_new_place
from dlkit.runs.answers import write_answers
from dlkit.runs.directory import RunDirectory
from dlkit.runs.parents import with_kept_source
from dlkit.training.prepare import Prepared, prepare

SUSPECTS, SHOWN = "suspects", 10

Check = Callable[[Signals], Finding | None]
UNITS: tuple[Check, ...] = (of_training.ran_away, of_training.dead_units, of_training.saturated_units)
LABELS: tuple[Check, ...] = (of_data.labels_do_not_fit, of_training.rate_too_low, of_data.suspect_labels)
"""Both are asked only if nothing deeper was found, whose consequences they may be."""
SYMPTOMS: tuple[Check, ...] = (of_training.below_baseline, of_training.confused_classes)
"""Asked only if no cause was found."""


@dataclass(frozen=True)
class Diagnosis:
    """The findings on a run, the likeliest cause first; none where nothing is wrong."""

    run: RunDirectory
    findings: list[Finding]

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form."""
        return {"run": str(self.run.path), "findings": [finding.to_json() for finding in self.findings]}


def diagnose(run: RunDirectory) -> Diagnosis:
    """Measure a run on its train and validation data, and write what is wrong as diagnosis.json.

    The test split is only searched for examples that are in train or validation too.
    """
    signals = _signals(run)
    recipe = signals.recipe
    shared = shared_examples(recipe, dataset_of(run, recipe))
    findings = [found for found in (of_data.leak(shared.worst),) if found] + _found(signals)
    with run.locked():
        _keep(run, signals, findings, shared.texts)
    return Diagnosis(run, findings)


def _found(signals: Signals) -> list[Finding]:
    """Return the findings, the deepest cause first: data, then steps, then units, then labels, then the fit."""
    record = signals.record
    findings: list[Finding] = []

    def add(*found: Finding | None) -> None:
        findings.extend(one for one in found if one is not None)

    add(of_record.missing_class(record), of_data.input_range(signals), of_record.diverged(record))
    if not signals.trained:
        return findings
    for stage in (UNITS, LABELS):
        if not findings:
            add(*(check(signals) for check in stage))
    add(of_training.learnt_by_heart(signals), of_record.trained_too_long(record), of_data.imbalance(signals))
    if not findings:
        add(*(check(signals) for check in SYMPTOMS))
    return findings


def _signals(run: RunDirectory) -> Signals:
    trained = open_run(run) if run.finished else None
    loaded = trained.loaded if trained else with_kept_source(load_recipe(run.resolved_recipe), run)
    with hint_at_new_place(loaded):
        prepared = prepare(loaded, run)
    if trained is None:
        return Signals(Record(run), loaded, prepared.built, prepared.splits, trained=False)
    return Signals(Record(run), loaded, trained.built, prepared.splits, True, _moved(trained, prepared))


def _moved(trained: TrainedModel, prepared: Prepared) -> float | None:
    """Return the distance of the kernels from their initial values, relative to these; None where they are unknown."""
    fresh, network = prepared.built.network, trained.built.network
    recorded = trained.run.read_json("environment.json").get("initial_weights")
    if recorded != weights_digest(fresh.variables):
        return None
    both = zip(fresh.trainable_weights, network.trainable_weights, strict=True)
    pairs = [(np.asarray(then, float), np.asarray(now, float)) for then, now in both if len(then.shape) > 1]
    start = sum(float((then**2).sum()) for then, _ in pairs)
    if not start:
        return None
    return float(np.sqrt(sum(float(((now - then) ** 2).sum()) for then, now in pairs) / start))


def _keep(run: RunDirectory, signals: Signals, findings: list[Finding], duplicates: list[str]) -> None:
    """Write the findings with the number of updates that they are about, and the pictures of suspect labels."""
    updates = run.read_json("metrics.json").get("training", {}).get("updates")
    content = {"updates": updates, "findings": [finding.to_json() for finding in findings], "duplicates": duplicates}
    run.write_json(RESULT, content)
    if any(finding.kind == "suspect_labels" for finding in findings):
        write_answers(run, SUSPECTS, {}, _suspects(signals))
    else:
        (run.path / f"answers_{SUSPECTS}.npz").unlink(missing_ok=True)


def _suspects(signals: Signals) -> dict[str, np.ndarray]:
    """Return the inputs of the suspect examples with both classes, (k, ...) each."""
    part, rows = of_data.suspects(signals)
    rows, names = rows[:SHOWN], np.array(signals.built.class_names)
    probabilities = part.outputs[str(signals.built.scores)][rows]
    return {
        "number": part.numbers[rows],
        "truth": names[part.targets[rows]],
        "predicted": names[probabilities.argmax(axis=-1)],
        "probability": probabilities.max(axis=-1).astype(np.float32),
    } | shown_examples(part.inputs[rows])
