"""The networks of several folds as one: out-of-fold outputs, and the mean of the outputs on test."""

from functools import cached_property

import keras
import numpy as np

from dlkit.data.recorded import dataset_of
from dlkit.data.splits import held_out_rows, load_splits
from dlkit.evaluation.report import measure, network_outputs
from dlkit.interfaces.data import Split
from dlkit.model.built import BuiltModel
from dlkit.model.compile import compile_for, metric_names
from dlkit.model.splits import read_split
from dlkit.model.trained import open_run
from dlkit.recipe.schema import Validation
from dlkit.runs.directory import RunDirectory


class Member:
    """A trained network with the fold that it was not trained on, and the test split."""

    def __init__(self, run: RunDirectory) -> None:
        self.trained = open_run(run)
        self.built = self.trained.built
        self.has_test = "test" in self.built.description.splits

    @cached_property
    def held(self) -> Split:
        """Return the examples that were held out."""
        return read_split(self.trained, "validation")

    @cached_property
    def tested(self) -> Split:
        """Return the test split."""
        return read_split(self.trained, "test")

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

    def outputs(self, split: Split) -> tuple[np.ndarray, np.ndarray]:
        """Return the network's outputs and what is expected of them, (n, ...) each."""
        return network_outputs(self.built, self.trained.loaded.recipe, split)


class Sums:
    """What is kept of every member: its out-of-fold outputs, and the sum of all outputs on test."""

    def __init__(self) -> None:
        self._built: BuiltModel | None = None
        self._parts: list[dict[str, np.ndarray]] = []
        self._test: tuple[np.ndarray, np.ndarray] | None = None

    def add(self, member: Member) -> None:
        """Add the outputs of the next fold's network."""
        self._built = member.built
        outputs, expected = member.outputs(member.held)
        fold = np.full(len(outputs), len(self._parts))
        self._parts.append({"index": member.rows(), "fold": fold, "outputs": outputs, "expected": expected})
        if member.has_test:
            outputs, expected = member.outputs(member.tested)
            self._test = (outputs if self._test is None else self._test[0] + outputs, expected)

    def predictions(self) -> dict[str, np.ndarray]:
        """Return index, fold, outputs and expected (n, ...) of all examples, in the order of train."""
        whole = {name: np.concatenate([part[name] for part in self._parts]) for name in self._parts[0]}
        order = np.argsort(whole["index"], kind="stable")
        return {name: array[order] for name, array in whole.items()}

    def out_of_fold(self) -> dict[str, float]:
        """Return loss and metrics of the out-of-fold outputs of all examples together."""
        whole = self.predictions()
        return self._measured(whole["outputs"], whole["expected"])

    def ensemble(self) -> dict[str, float] | None:
        """Return loss and metrics of the mean outputs on test; None without a test split."""
        if self._test is None:
            return None
        return self._measured(self._test[0] / len(self._parts), self._test[1])

    def _measured(self, outputs: np.ndarray, expected: np.ndarray) -> dict[str, float]:
        """Return loss and metrics of outputs, without a network."""
        assert self._built is not None  # one fold at least
        given = keras.Input(outputs.shape[1:])
        identity = keras.Model(given, keras.layers.Identity()(given))
        compile_for(identity, self._built.task, "sgd")
        return metric_names(identity.evaluate(outputs, expected, batch_size=1024, verbose=0, return_dict=True))
