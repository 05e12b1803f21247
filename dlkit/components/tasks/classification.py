"""Classification: one class per example."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, Literal

import keras
import numpy as np
from keras import ops
from pydantic import Field

from dlkit.components.losses._class_weighted import ClassWeighted
from dlkit.components.metrics._on_probabilities import on_probabilities, probabilities
from dlkit.components.tasks._class_weights import check_weights, weights_of
from dlkit.components.tasks._worst_mistakes import WorstMistakes
from dlkit.errors import InputError
from dlkit.figures.confusion_matrix import confusion_matrix_figure
from dlkit.formatting import measured
from dlkit.interfaces.data import Description
from dlkit.interfaces.task import Examined, Report, TargetSpec, Task, joined, main_output, with_added


@dataclass(frozen=True, kw_only=True)
class Classification(Task):
    """Predicts one class per example, with one-hot targets for one unit per class or 0/1 targets for a single unit.

    The default loss is categorical cross-entropy (deck 004: softmax / negative log-likelihood), or binary cross-entropy
    for a single unit. `loss` replaces the default, `metrics` adds to accuracy; `loss_weights` scales losses by output
    name. `class_weights` weight the examples in the loss, not in the metrics: a mapping by class name, a list in the
    order of the classes, or `balanced`, which makes every class count the same (examples / (classes * examples of the
    class), of train).
    """

    loss: Any = None
    loss_weights: dict[str, float] = field(default_factory=dict)
    metrics: list = field(default_factory=list)
    class_weights: (
        list[Annotated[float, Field(ge=0)]] | dict[str, Annotated[float, Field(ge=0)]] | Literal["balanced"] | None
    ) = None

    monitor = "val_accuracy"
    stratified = True
    scores = "probabilities"
    predicts_classes = True

    def target_spec(self, description: Description) -> TargetSpec:
        """Return one probability per class; raise InputError if the targets of the data are not classes."""
        if not description.class_names:
            raise InputError(
                "task classification needs class targets, but the data has values",
                "give the source `classes`, or use task: regression",
            )
        if description.targets.shape:
            raise InputError(
                "task classification needs one class per example, but the data has masks", "use task: segmentation"
            )
        check_weights(self.class_weights, description, "task.classification.class_weights")
        return TargetSpec((len(description.class_names),), description.class_names)

    def fitted(self, class_names: tuple[str, ...], counts: Sequence[int]) -> "Classification":
        """Return the task with a number for the weight of every class, from the examples of each class in train."""
        if self.class_weights is None:
            return self
        if self.class_weights == "balanced":
            weights = [sum(counts) / (np.count_nonzero(counts) * count) if count else 0.0 for count in counts]
        else:
            weights = weights_of(self.class_weights, class_names, "")
        return replace(self, class_weights=weights)

    def check(self, network: keras.Model, targets: TargetSpec) -> None:
        """Raise InputError unless the head has one unit per class, or a single unit for two classes."""
        shape, classes = tuple(main_output(network.output).shape[1:]), len(targets.class_names)
        if shape == (classes,) or (classes == 2 and shape == (1,)):
            return
        allowed = f"[{classes}]" + (" or [1]" if classes == 2 else "")
        raise InputError(
            f"the last layer returns {list(shape)} for {classes} classes",
            f"allowed: {allowed}; set the last layer's units to {classes}",
        )

    def prepare_targets(self, targets: Any, inputs: Any, network: keras.Model) -> Any:
        """Return class indices (n,) as one-hot rows (n, classes), or as a 0/1 column (n, 1) for a single unit."""
        dtype = keras.config.floatx()
        if _one_unit(network):
            return ops.cast(ops.expand_dims(targets, -1), dtype)
        return ops.one_hot(targets, main_output(network.output).shape[-1], dtype=dtype)

    def loss_for(self, network: keras.Model) -> Any:
        """Return the recipe's loss, or cross-entropy, with the weights of the classes."""
        loss = self.loss
        if loss is None:
            binary = _one_unit(network)
            loss = keras.losses.BinaryCrossentropy() if binary else keras.losses.CategoricalCrossentropy()
        return ClassWeighted(loss, self.class_weights) if isinstance(self.class_weights, list) else loss

    def metrics_for(self, network: keras.Model) -> list[Any]:
        """Return accuracy and the recipe's metrics."""
        if _one_unit(network):
            threshold = 0.0 if self.from_logits else 0.5
            accuracy = keras.metrics.BinaryAccuracy(name="accuracy", threshold=threshold)
        else:
            accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
        found = with_added([accuracy], self.metrics)
        return [accuracy, *map(on_probabilities, found[1:])] if self.from_logits else found

    def outputs(self, output: Any) -> dict[str, Any]:
        """Return `probabilities` (n, classes), of both classes for a single-unit head."""
        one_unit = output.shape[-1] == 1
        if self.from_logits:
            output = probabilities(output)
        return {"probabilities": ops.concatenate([1 - output, output], axis=-1) if one_unit else output}

    def describe_prediction(self, outputs: Mapping[str, Any], class_names: tuple[str, ...]) -> dict[str, Any]:
        """Return the label, its probability, and all probabilities by class name."""
        probabilities = [float(value) for value in outputs["probabilities"]]
        best = int(np.argmax(probabilities))
        named = dict(zip(class_names, probabilities, strict=True))
        return {"label": class_names[best], "probability": probabilities[best], "probabilities": named}

    def prediction_columns(self, described: Mapping[str, Any]) -> dict[str, str]:
        """Return label and probability."""
        return {"label": described["label"], "probability": measured(described["probability"])}

    def report(self, batches: Iterable[Examined], class_names: tuple[str, ...]) -> Report:
        """Return precision, recall, F1 and support per class, the confusion matrix, and the worst mistakes."""
        from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

        labels = np.arange(len(class_names))
        worst = WorstMistakes(class_names)
        targets, probabilities = joined(worst.watched(batches), "probabilities")
        predicted = np.argmax(probabilities, axis=-1)
        scores = precision_recall_fscore_support(targets, predicted, labels=labels, zero_division=0)
        names = ("precision", "recall", "f1", "support")
        rows = [dict(zip(names, map(float, row), strict=True)) for row in zip(*scores, strict=True)]
        table = [
            {"class": name, **row, "support": int(row["support"])} for name, row in zip(class_names, rows, strict=True)
        ]
        matrix = confusion_matrix(targets, predicted, labels=labels)
        figures = {"confusion_matrix": partial(confusion_matrix_figure, matrix, class_names)} | worst.figures()
        answers = _answers(targets, predicted, probabilities)
        return Report(table, figures, metrics=_balanced(table), answers=answers, worst=worst.arrays())


def _answers(targets: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Return, for each example (n,), whether the answer is right, both classes, and the answer's probability."""
    sure = probabilities[np.arange(len(predicted)), predicted].astype(np.float32)
    return {"correct": predicted == targets, "target": targets, "predicted": predicted, "probability": sure}


def _balanced(table: list[dict[str, Any]]) -> dict[str, float]:
    """Return the mean recall and the mean F1 over the classes that the split has, from the rows by class."""
    present = [row for row in table if row["support"]]
    averages = {"balanced_accuracy": "recall", "macro_f1": "f1"}
    return {name: float(np.mean([row[column] for row in present])) for name, column in averages.items()}


def _one_unit(network: keras.Model) -> bool:
    return bool(main_output(network.output).shape[-1] == 1)
