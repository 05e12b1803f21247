"""Check backpropagation against numeric differentiation, layer by layer and for the whole network, in float64.

A wrong gradient makes those of all layers before it wrong as well. So every layer is checked by itself, at its own
inputs, and only then the loss of the network with respect to every parameter: the first names the culprit, the second
shows that nothing was left out. The point is the initial weights with a little noise, since many kinks lie exactly at
zero, where biases begin.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.errors import InputError
from dlkit.experiments.differences import TOLERANCE, Compared, compare
from dlkit.interfaces.reporter import Reporter
from dlkit.training.loop import Training
from dlkit.training.prepare import prepare

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe

NOISE = 0.1
LOSS, NETWORK = "loss", "network"


@dataclass(frozen=True)
class Finding:
    """One gradient: of a layer, a regularizer, the loss or the network, with respect to an input or a parameter."""

    part: str
    kind: str
    of: str
    shape: tuple[int, ...]
    compared: Compared

    @property
    def right(self) -> bool:
        """Return whether the gradient agrees."""
        return self.compared.error <= TOLERANCE

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form; `error` is null where a slope is not finite."""
        error = self.compared.error
        about = {"part": self.part, "kind": self.kind, "of": self.of, "shape": list(self.shape)}
        numbers = {"method": self.compared.method, "directions": self.compared.directions}
        return about | numbers | {"error": error if np.isfinite(error) else None, "right": self.right}


def check_recipe(loaded: "LoadedRecipe", entries: int) -> list[Finding]:
    """Check the gradients of a recipe's first training batch; the recipe's precision must be float64.

    entries: single entries to try in each parameter and input. Writes nothing.
    """
    if loaded.recipe.training.precision != "float64":
        raise InputError("gradients are checked in float64 only", "add --set training.precision=float64")
    training = Training(loaded.recipe, prepare(loaded), Reporter())
    training.start()
    network = training.steps.network
    batch = next(iter(training.steps.batches(0, 1)))
    return check_network(network, batch, entries, loaded.recipe.training.seed)


def check_network(network: keras.Model, batch: Sequence[Any], entries: int, seed: int = 0) -> list[Finding]:
    """Check a compiled float64 network on one batch (x, y) or (x, y, sample weights); its weights get noise."""
    check = _Check(entries, np.random.default_rng(seed))
    for variable in network.trainable_variables:
        variable.assign(check.with_noise(variable.numpy()))
    x = batch[0]
    found = [finding for call in calls(network, x) for finding in check.layer(*call)]
    found += [finding for layer in network._flatten_layers() for finding in check.regularizers(layer)]
    return [*found, *check.loss(network, batch), *check.network(network, batch)]


def calls(network: keras.Model, x: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Yield every operation of a network with its arguments and keyword arguments for a batch, nested ones too."""
    functional = getattr(network, "_functional", None) or network
    wanted = [
        node
        for depth in sorted(functional._nodes_by_depth, reverse=True)
        for node in functional._nodes_by_depth[depth]
        if not node.is_input
    ]
    known = [tensor for node in wanted for tensor in node.input_tensors]
    values = keras.Model(network.inputs, known)(x, training=True) if known else []
    table = {id(tensor): value for tensor, value in zip(known, keras.tree.flatten(values), strict=True)}
    for node in wanted:
        arguments, named = node.arguments.fill_in(table)
        if hasattr(node.operation, "_nodes_by_depth"):
            yield from calls(node.operation, arguments[0])
        else:
            yield node.operation, arguments, named


class _Check:
    """The number of entries that are tried in each variable, and the generator that draws them."""

    def __init__(self, entries: int, draws: np.random.Generator) -> None:
        self.entries, self.draws = entries, draws

    def with_noise(self, value: np.ndarray) -> np.ndarray:
        """Return an array with a little noise, so that no entry lies on a kink."""
        scale = value.std() or 1.0
        return value + NOISE * scale * self.draws.normal(size=value.shape)

    def layer(self, operation: Any, arguments: Any, named: Any) -> list[Finding]:
        """Check one operation at its inputs: a random weighting of its outputs, by every float input and parameter."""
        tensors = keras.tree.flatten((arguments, named))
        places = [place for place, tensor in enumerate(tensors) if _is_float(tensor)]
        inputs = [tf.Variable(self.with_noise(np.asarray(tensors[place]))) for place in places]
        extra = {"training": True} if "training" in signature(operation.call).parameters else {}

        def weighted(values: Sequence[Any]) -> Any:
            filled = list(tensors)
            for place, value in zip(places, values, strict=True):
                filled[place] = tf.convert_to_tensor(value)
            given, words = keras.tree.pack_sequence_as((arguments, named), filled)
            return _weighted(operation(*given, **(words | extra)), weights)

        def stepped(number: int, value: Any) -> Any:
            if number >= len(inputs):
                raise ValueError("a parameter is no complex number")
            return weighted([value if place == number else given for place, given in enumerate(inputs)])

        weights: list[np.ndarray] = []
        state = getattr(operation, "non_trainable_variables", [])
        function = _repeatable(lambda: weighted(inputs), state)
        weights.extend(
            self.draws.normal(size=output.shape) for output in _outputs(operation(*arguments, **(named | extra)))
        )
        names = ["input" if len(places) == 1 else f"input {number}" for number in range(len(places))]
        parameters = list(getattr(operation, "trainable_variables", []))
        names += [variable.path.split(f"{operation.name}/", 1)[-1] for variable in parameters]
        variables = [*inputs, *(parameter.value for parameter in parameters)]
        return self._found(operation.name, type(operation).__name__, names, function, variables, stepped)

    def regularizers(self, layer: Any) -> list[Finding]:
        """Check the regularizer of each of a layer's own parameters."""
        found = []
        for variable in layer._trainable_variables:
            if variable.regularizer is not None:
                function = partial(variable.regularizer, variable)
                kind = type(variable.regularizer).__name__
                regularizer = variable.regularizer
                found += self._found(
                    layer.name, kind, [variable.name], function, [variable.value], lambda _, z, r=regularizer: r(z)
                )
        return found

    def loss(self, network: keras.Model, batch: Sequence[Any]) -> list[Finding]:
        """Check the loss by the network's outputs."""
        predicted = network(batch[0], training=False)
        outputs = [tf.Variable(tensor) for tensor in keras.tree.flatten(predicted)]

        def function() -> Any:
            given = keras.tree.pack_sequence_as(predicted, [tf.convert_to_tensor(output) for output in outputs])
            return network.compute_loss(batch[0], batch[1], given, *batch[2:], training=False)

        names = ["output" if len(outputs) == 1 else f"output {number}" for number in range(len(outputs))]
        kinds = {_loss_name(loss) for loss in keras.tree.flatten(network.loss)}
        return self._found(LOSS, ", ".join(sorted(kinds)), names, function, outputs)

    def network(self, network: keras.Model, batch: Sequence[Any]) -> list[Finding]:
        """Check the whole training loss, penalties included, by every parameter."""
        parameters = network.trainable_variables

        @tf.function
        def loss() -> Any:
            predicted = network(batch[0], training=True)
            return network.compute_loss(batch[0], batch[1], predicted, *batch[2:], training=True)

        function = _repeatable(loss, network.non_trainable_variables)
        names = [variable.path for variable in parameters]
        return self._found(NETWORK, type(network).__name__, names, function, [p.value for p in parameters])

    def _found(
        self,
        part: str,
        kind: str,
        names: Sequence[str],
        function: Any,
        variables: Sequence[Any],
        stepped: Any = None,
    ) -> list[Finding]:
        compared = compare(function, variables, self.entries, self.draws, stepped) if variables else []
        return [
            Finding(part, kind, name, tuple(variable.shape), each)
            for name, variable, each in zip(names, variables, compared, strict=True)
        ]


def _repeatable(function: Callable[[], Any], state: Sequence[Any]) -> Callable[[], Any]:
    """Return a function that puts its state back first: moving statistics, and the draws of Dropout."""
    values = [variable.numpy() for variable in state]

    def again() -> Any:
        for variable, value in zip(state, values, strict=True):
            variable.assign(value)
        return function()

    return again


def _weighted(outputs: Any, weights: Sequence[np.ndarray]) -> Any:
    """Return the terms of a weighted sum of outputs."""
    terms = [tf.cast(w, o.dtype) * o for w, o in zip(weights, _outputs(outputs), strict=True)]
    return tf.concat([tf.reshape(term, [-1]) for term in terms], 0)


def _outputs(outputs: Any) -> list[Any]:
    """Return the outputs that have gradients, and those of a complex step."""
    return [tensor for tensor in keras.tree.flatten(outputs) if _is_float(tensor) or _is_complex(tensor)]


def _is_float(tensor: Any) -> bool:
    return bool(getattr(tensor, "dtype", None) == tf.float64)


def _is_complex(tensor: Any) -> bool:
    return bool(getattr(getattr(tensor, "dtype", None), "is_complex", False))


def _loss_name(loss: Any) -> str:
    if isinstance(loss, str):
        return loss
    return str(getattr(loss, "name", None) or getattr(loss, "__name__", None) or type(loss).__name__)


def to_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the documented JSON form: `wrong` names the parts that are wrong by themselves.

    The network as a whole is named only where no part of it is wrong, as its gradients follow from theirs.
    """
    wrong = [finding for finding in findings if not finding.right]
    own = [finding for finding in wrong if finding.part != NETWORK] or wrong
    return {
        "tolerance": TOLERANCE,
        "passed": not wrong,
        "wrong": [f"{finding.part} ({finding.kind}): {finding.of}" for finding in own],
        "gradients": [finding.to_json() for finding in findings],
    }
