"""The networks of several folds as one: out-of-fold outputs, and the mean of the outputs on test."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import keras
import numpy as np

from dlkit.data.recorded import dataset_of
from dlkit.data.splits import held_out_rows, load_splits
from dlkit.evaluation.report import measure, network_outputs
from dlkit.interfaces.data import Split
from dlkit.model.built import BuiltModel
from dlkit.model.compile import metric_names
from dlkit.model.splits import read_unchanged
from dlkit.model.trained import open_run
from dlkit.recipe.schema import Validation
from dlkit.runs.directory import RunDirectory

_ARRAYS = ("outputs", "expected", "weights")


class Member:
    """A trained network with the fold that it was not trained on, and the test split."""

    def __init__(self, run: RunDirectory) -> None:
        self.trained = open_run(run)
        self.built = self.trained.built
        self.has_test = "test" in self.built.description.splits

    @cached_property
    def held(self) -> Split:
        """Return the examples that were held out; raise CheckError if they are no longer those of the training."""
        return read_unchanged(self.trained, "validation")

    @cached_property
    def tested(self) -> Split:
        """Return the test split."""
        return read_unchanged(self.trained, "test")

    def rows(self) -> np.ndarray:
        """Return the indices in train of the examples that were held out, (n,)."""
        data = self.trained.loaded.recipe.data
        dataset = dataset_of(self.trained.run, self.trained.loaded.recipe)
        stratified = self.built.task.stratified
        assert isinstance(data.validation, Validation)  # every run has a fold
        whole = load_splits(data.model_copy(update={"validation": "none", "labelled": None}), dataset, stratified).train
        return held_out_rows(whole, data.validation, stratified, dataset.describe().class_names)

    def validation(self) -> dict[str, float]:
        """Return loss and metrics on the fold that was held out."""
        return measure(self.built, self.trained.loaded.recipe, self.held)

    def test(self) -> dict[str, float]:
        """Return loss and metrics on test."""
        return measure(self.built, self.trained.loaded.recipe, self.tested)

    def outputs(self, split: Split) -> dict[str, np.ndarray]:
        """Return the network's outputs and what is expected of them, and the weights of these where they have any."""
        found = network_outputs(self.built, self.trained.loaded.recipe, split)
        return {name: array for name, array in zip(_ARRAYS, found, strict=True) if array is not None}


class Sums:
    """What is kept of every member: its out-of-fold outputs, and the sum of all outputs on test."""

    def __init__(self) -> None:
        self._built: BuiltModel | None = None
        self._parts: list[dict[str, np.ndarray]] = []
        self._test: dict[str, np.ndarray] = {}

    def add(self, member: Member) -> None:
        """Add the outputs of the next fold's network."""
        self._built = member.built
        found = member.outputs(member.held)
        fold = np.full(len(found["outputs"]), len(self._parts))
        self._parts.append({"index": member.rows(), "fold": fold} | found)
        if member.has_test:
            found = member.outputs(member.tested)
            self._test = found | {"outputs": found["outputs"] + self._test.get("outputs", 0)}

    def predictions(self) -> dict[str, np.ndarray]:
        """Return index, fold, outputs, expected and any weights, (n, ...), of all examples, in the order of train."""
        whole = {name: np.concatenate([part[name] for part in self._parts]) for name in self._parts[0]}
        order = np.argsort(whole["index"], kind="stable")
        return {name: array[order] for name, array in whole.items()}

    def out_of_fold(self, folds: Sequence[Mapping[str, float]]) -> dict[str, float]:
        """Return loss and metrics of the out-of-fold outputs of all examples together.

        folds: loss and metrics of each fold. The loss is their mean over examples, with all that belongs to it.
        """
        sizes = [len(part["fold"]) for part in self._parts]
        loss = float(np.average([metrics["loss"] for metrics in folds], weights=sizes))
        return self._measured(self.predictions()) | {"loss": loss}

    def ensemble(self) -> dict[str, float] | None:
        """Return loss and metrics of the mean outputs on test; None without a test split.

        Of a network whose loss has other parts, such as regularizers or the losses of more outputs, there is no loss:
        the mean outputs have none of these.
        """
        if not self._test:
            return None
        assert self._built is not None  # one fold at least
        network = self._built.network
        found = self._measured(self._test | {"outputs": self._test["outputs"] / len(self._parts)})
        if isinstance(network.output, Mapping) or network.losses:
            found.pop("loss")
        return found

    def _measured(self, arrays: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Return loss and metrics of outputs, as those of the last fold's network, which knows the units of values."""
        assert self._built is not None  # one fold at least
        task, network = self._built.task, self._built.inference_network
        given = keras.Input(arrays["outputs"].shape[1:])
        identity = keras.Model(given, keras.layers.Identity()(given))
        weight = task.loss_weights.get("output")
        identity.compile(
            loss=task.loss_for(network),
            loss_weights=None if weight is None else [weight],
            weighted_metrics=task.metrics_for(network),
        )
        outputs, expected, weights = (arrays.get(name) for name in _ARRAYS)
        found = identity.evaluate(outputs, expected, 1024, verbose=0, sample_weight=weights, return_dict=True)
        return metric_names(found)
