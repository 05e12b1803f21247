"""Find the first layer from which on an artefact differs from its run.

The run is exported once more with the output of every layer as an output of the artefact, by the same converter. The
clean process answers with all of them, and they are compared in the order of the network.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import tree

from dlkit.errors import DlkitError
from dlkit.export.certificate import exporter_of, threads
from dlkit.export.compare import ANY
from dlkit.export.reader import Reader
from dlkit.export.stored import load_samples
from dlkit.interfaces.exporter import Tolerance
from dlkit.model.built import BuiltModel
from dlkit.model.trained import TrainedModel

EXAMPLES = 32


@dataclass(frozen=True)
class Tap:
    """The output of one layer: its name in the artefact, the layer's, and the taps of what the layer reads."""

    name: str
    layer: str
    reads: tuple[str, ...]


@dataclass(frozen=True)
class Tapped(BuiltModel):
    """A model whose outputs are those of its layers."""

    scores = spells = None
    class_names = ()

    @property
    def inference_network(self) -> keras.Model:
        """Return the whole network."""
        return self.network

    def outputs(self, network_outputs: Any) -> dict[str, Any]:
        """Return the layers' outputs by the names of their taps."""
        return dict(network_outputs)


def diverging_layer(trained: TrainedModel, format_name: str, starts_at: str) -> dict[str, Any] | None:
    """Return the first layer that differs, with the largest difference before and after it, or None if none does.

    For a format that rounds, it is the layer that adds the largest relative error. The result is None, too, when the
    artefact with all outputs cannot be made.
    """
    exporter = exporter_of(format_name)
    samples = trained.built.samples(load_samples(trained.run))[:EXAMPLES]
    tapped, taps = tap(trained.built, starts_at == "preprocessed")
    try:
        with tempfile.TemporaryDirectory() as scratch:
            exporter.write(tapped, Path(scratch), samples)
            key, values = exporter.main_input(tapped, samples)
            with Reader(exporter, Path(scratch), threads()) as reader:
                answers = reader.answers({f"0/{key}": values}, [len(values)])
    except DlkitError:
        return None
    expected = {name: np.asarray(value) for name, value in tapped.predict_raw(samples).items()}
    errors = {name: _error(answers[f"0/0/{name}"], expected[name]) for name in expected}
    precision = trained.loaded.recipe.training.precision
    return first(taps, errors, exporter.tolerance.at(precision) if exporter.tolerance else ANY)


def _error(found: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    """Return the largest difference of two arrays, and the largest absolute value of the second."""
    if found.shape != wanted.shape:
        return float("inf"), 0.0
    difference = np.nan_to_num(np.abs(found.astype(np.float64) - wanted), nan=np.inf)
    return float(difference.max(initial=0)), float(np.abs(wanted).max(initial=0))


def first(taps: list[Tap], errors: Mapping[str, tuple[float, float]], allowed: Tolerance) -> dict[str, Any] | None:
    """Return the first tap whose error (difference, size of the values) is not allowed, in the order of the network."""
    if allowed is ANY:
        return _largest_step(taps, errors)
    for tap in taps:
        difference, size = errors[tap.name]
        if difference > allowed.absolute * max(1.0, size) + allowed.relative * size:
            before = max((errors[name][0] for name in tap.reads), default=0.0)
            return {"layer": tap.layer, "before": before, "after": difference}
    return None


def _largest_step(taps: list[Tap], errors: Mapping[str, tuple[float, float]]) -> dict[str, Any] | None:
    """Return the tap whose relative error exceeds most that of what its layer reads."""
    relative = {name: difference / max(size, 1e-9) for name, (difference, size) in errors.items()}
    before = {tap.name: max((relative[name] for name in tap.reads), default=0.0) for tap in taps}
    worst = max(taps, key=lambda tap: relative[tap.name] - before[tap.name], default=None)
    if worst is None:
        return None
    return {"layer": worst.layer, "before": before[worst.name], "after": relative[worst.name], "relative": True}


def tap(built: BuiltModel, preprocessed: bool) -> tuple[Tapped, list[Tap]]:
    """Return a model with the outputs of all layers, and their taps in the order of the network.

    preprocessed: whether the artefact takes preprocessed inputs, so that the preprocessing is not in it.
    """
    taps: list[Tap] = []
    found: dict[str, Any] = {}
    source = built.inference_network if preprocessed else built.preprocess
    inputs = keras.Input(source.input.shape[1:], dtype=source.input.dtype, name="inputs")
    made: dict[int, str] = {}
    outputs = _follow(source, [inputs], taps, found, made)
    preprocess = built.preprocess
    if not preprocessed:
        _follow(built.inference_network, outputs, taps, found, made)
        entry = keras.Input(source.input.shape[1:], dtype=source.input.dtype, name="inputs")
        preprocess = keras.Model(entry, entry, name="preprocess")
    network = keras.Model(inputs, {name: _float32(value) for name, value in found.items()})
    return Tapped(built.description, built.targets, built.task, built.resize, preprocess, network), taps


def _float32(value: Any) -> Any:
    return value if value.dtype == "float32" else keras.ops.cast(value, "float32")


def _follow(
    model: keras.Model, given: list[Any], taps: list[Tap], found: dict[str, Any], made: dict[int, str]
) -> list[Any]:
    """Call a model's layers one by one; add their outputs to `found` and `taps`, and return the model's outputs.

    made: the tap of each tensor by its id.
    """
    tensors = {id(tensor): value for tensor, value in zip(tree.flatten(model.inputs), given, strict=True)}
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in (node for node in model._nodes_by_depth[depth] if not node.is_input):
            operation = node.operation
            read = [tensors[id(tensor)] for tensor in node.arguments.keras_tensors]
            if isinstance(operation, keras.Model):
                values = _follow(operation, read, taps, found, made)
            else:
                args, kwargs = node.arguments.fill_in(tensors)
                values = tree.flatten(operation(*args, **kwargs))
                name = f"tap_{len(taps):03d}"
                if "float" in str(values[0].dtype):
                    taps.append(
                        Tap(name, operation.name, tuple(made[id(value)] for value in read if id(value) in made))
                    )
                    found[name] = made_value = values[0]
                    made[id(made_value)] = name
            tensors |= {id(tensor): value for tensor, value in zip(node.outputs, values, strict=True)}
    return [tensors[id(tensor)] for tensor in tree.flatten(model.outputs)]
