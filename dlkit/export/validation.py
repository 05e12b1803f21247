"""Compare an artefact with its run on the validation split, from raw examples, and measure both."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from dlkit.data.batches import fixed_batch
from dlkit.errors import CheckError, InputError, MissingError
from dlkit.export.compare import Request, compare, expected_outputs, merged
from dlkit.export.reader import Reader
from dlkit.interfaces.data import Split
from dlkit.interfaces.exporter import Exporter, Tolerance
from dlkit.media.spelling import labels_of, texts_of
from dlkit.model.built import BuiltModel
from dlkit.model.parts import ModelPart
from dlkit.model.splits import read_split
from dlkit.model.trained import TrainedModel

BATCH = 64


@dataclass(frozen=True)
class HeldOut:
    """The validation examples of a certificate, evenly spread over the split; of: how many the split has."""

    split: Split
    of: int

    def to_json(self) -> dict[str, Any]:
        """Return which part of the split was used."""
        return {"split": "validation", "examples": len(self.split), "of": self.of}


def held_out(
    trained: TrainedModel, most: int | None, note: Callable[[str], None], name: str = "validation"
) -> HeldOut | None:
    """Return a split of the run's data, or at most so many of its examples; None without validation or its data.

    note: receives the reason where there is none, which the certificate then states: its 64 samples remain.
    """
    if name == "validation" and trained.loaded.recipe.data.validation == "none":
        note("the recipe holds no validation out: the certificate compares the run's samples only")
        return None
    try:
        split = read_split(trained, name)
    except (MissingError, InputError, CheckError) as error:
        note(f"the {name} split cannot be read ({error.problems[0].message}): only the run's samples are compared")
        return None
    count = len(split) if most is None else min(most, len(split))
    rows = np.unique(np.linspace(0, len(split) - 1, count).astype(int))
    return HeldOut(split if count == len(split) else split.select(rows), len(split))


def compare_held_out(
    reader: Reader, exporter: Exporter, built: BuiltModel, data: HeldOut, allowed: Tolerance
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the comparison on all examples, and the metric of run and artefact (None for a part of a network)."""
    checks, sizes, meters = [], [], _Meters(built)
    for inputs, targets in _chunks(data.split):
        expected, tied = expected_outputs(built, built.samples(inputs), allowed)
        key, values = exporter.main_input(built, built.samples(inputs))
        answers = reader.answers({f"0/{key}": values}, [min(BATCH, len(values))])
        add_labels(answers, built, 1)
        request = Request(f"validation/{key}", values, expected, tied)
        checks.append(compare(0, request, answers, allowed, turns=1))
        sizes.append(len(inputs))
        meters.add(inputs, targets, expected, {name: answers[f"0/0/{name}"] for name in expected})
    return data.to_json() | merged(checks, sizes), meters.result(len(data.split))


def add_labels(answers: dict[str, np.ndarray], built: BuiltModel, turns: int, numbers: int = 1) -> None:
    """Add the `label` of the best score, or the `text`, for artefacts that give only numbers, as their callers do."""
    for output, name, named in ((built.scores, "label", labels_of), (built.spells, "text", texts_of)):
        for place in (f"{number}/{turn}" for number in range(numbers) for turn in range(turns)):
            values = answers.get(f"{place}/{output}") if output is not None else None
            if values is not None and f"{place}/{name}" not in answers:
                answers[f"{place}/{name}"] = named(values, built.class_names)


def _chunks(split: Split) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    size = fixed_batch(split)
    for start in range(0, len(split), size):
        yield split.read(np.arange(start, min(start + size, len(split))))


class _Meters:
    """The task's first metric, or the one that the training monitors, for the run and for the artefact."""

    def __init__(self, built: BuiltModel) -> None:
        self._built = built
        self._metrics = None if isinstance(built, ModelPart) else (_metric(built), _metric(built))

    def add(
        self,
        inputs: np.ndarray,
        targets: np.ndarray,
        run: Mapping[str, np.ndarray],
        artefact: Mapping[str, np.ndarray],
    ) -> None:
        """Count a batch of raw examples, with the decoded outputs of both."""
        if self._metrics is None:
            return
        _, y, *weights = self._built.prepare(inputs, targets)
        y, weight = (value["output"] if isinstance(value, Mapping) else value for value in (y, *(weights or [None])))
        for metric, outputs in zip(self._metrics, (run, artefact), strict=True):
            metric.update_state(y, self._built.task.undecoded(outputs, self._built.network), sample_weight=weight)

    def result(self, examples: int) -> dict[str, Any] | None:
        """Return the metric's name and both values; loss: how much worse the artefact is (a share, for an error)."""
        if self._metrics is None:
            return None
        run, artefact = (float(metric.result()) for metric in self._metrics)
        higher = getattr(self._metrics[0], "_direction", None) != "down"
        loss = run - artefact if higher else (artefact - run) / max(abs(run), keras.config.epsilon())
        name = self._metrics[0].name
        return {
            "name": name,
            "run": run,
            "artefact": artefact,
            "higher_is_better": higher,
            "loss": loss,
            "examples": examples,
        }


def _metric(built: BuiltModel) -> Any:
    metrics = built.task.metrics_for(built.network)
    wanted = built.task.monitor.removeprefix("val_")
    return next((metric for metric in metrics if metric.name == wanted), metrics[0])
