"""`:classify` and `:regress`: examples of named features in, classes with scores or values out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlkit.serving.json_values import is_base64, json_type, scalar, shown
from dlkit.serving.signature import CLASSIFY, REGRESS, Signature, TensorSpec
from dlkit.serving.status import Refused, invalid
from dlkit.serving.tensors import array_of

Example = dict[str, list[Any]]
MAX_INT64 = 2**63 - 1


def read_examples(request: Mapping[str, Any]) -> list[Example]:
    """Return the examples of a request, each with the features of its context, as lists of values of one kind."""
    context = _example(request["context"]) if "context" in request else {}
    if "examples" not in request:
        raise invalid(
            f"JSON Value: {shown(request)} When method is classify, key 'examples' is expected and was not found"
        )
    if not isinstance(request["examples"], list):
        raise invalid(f"JSON Value: {shown(request)} Expecting 'examples' value to be an list/array")
    if not request["examples"]:
        raise invalid(f"JSON Value: {shown(request)} 'examples' value is an empty array")
    return [context | _example(example) for example in request["examples"]]


def _example(value: Any) -> Example:
    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {json_type(value)}")
    return {name: _feature(name, content) for name, content in value.items()}


def _feature(name: str, content: Any) -> list[Any]:
    found: list[Any] = []
    kind = ""
    for value in content if isinstance(content, list) else [content]:
        new = _kind(name, value)
        if kind and new != kind:
            raise invalid(f"Unexpected element type in feature: {name} expecting type: {kind}")
        kind = new
        found.append(int(value) if isinstance(value, bool) else value)
    return found


def _kind(name: str, value: Any) -> str:
    """Return the kind of a feature's value; raise Refused for a value that no feature can have."""
    if isinstance(value, str) or is_base64(value):
        return "bytes"
    if value is None or isinstance(value, list | dict):
        raise invalid(f"Feature: {name} has element with unexpected JSON type: {json_type(value)}")
    if isinstance(value, float):
        scalar(value, "float32")
        return "float"
    if value > MAX_INT64:
        raise invalid(f"Feature: {name} has uint64 element. Only int64 is supported.")
    return "int64"


def example_inputs(examples: Sequence[Example], signature: Signature, columns: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the tensors of a signature for examples whose features are its inputs, or the columns of its table."""
    if columns and len(signature.inputs) == 1 and not set(signature.inputs) & set(examples[0]):
        name = next(iter(signature.inputs))
        examples = [{name: [_cell(example, column) for column in columns]} for example in examples]
    return {name: _stacked(name, spec, examples) for name, spec in signature.inputs.items()}


def _cell(example: Example, column: str) -> Any:
    values = example.get(column, [])
    if len(values) != 1:
        raise _missing(column) if not values else invalid(f"Feature: {column} has {len(values)} values, expected 1")
    return values[0]


def _stacked(name: str, spec: TensorSpec, examples: Sequence[Example]) -> np.ndarray:
    rows = [_row(name, spec, example) for example in examples]
    for row in rows:
        if row.shape != rows[0].shape:
            raise invalid(f"Feature: {name} has {row.size} values, but {rows[0].size} in the first example")
    return np.stack(rows)


def _row(name: str, spec: TensorSpec, example: Example) -> np.ndarray:
    if name not in example:
        raise _missing(name)
    flat = array_of(example[name], TensorSpec(spec.dtype, (None,)), literal=False)
    shape = [-1 if size is None else size for size in spec.shape[1:]]
    try:
        return flat.reshape(shape)
    except ValueError as error:
        raise invalid(f"Feature: {name} has {flat.size} values, which do not fit {spec}") from error


def _missing(name: str) -> Refused:
    return invalid(f"Feature: {name} is required but could not be found.")


def classified(scores: np.ndarray, class_names: Sequence[str]) -> list[Any]:
    """Return one list of [class, score] per example."""
    names = list(class_names) or [""] * scores.shape[1]
    return [[[name, score] for name, score in zip(names, row, strict=True)] for row in scores]


def scores_of(signature: Signature, scores: str | None) -> str:
    """Return the output with the scores of classes; raise Refused for a signature that does not classify."""
    if scores is None or scores not in signature.outputs or len(signature.outputs[scores].shape) != 2:
        raise _other_method("classification", CLASSIFY, signature)
    return scores


def value_of(signature: Signature) -> str:
    """Return the only output, one number per example; raise Refused for a signature that does not regress."""
    (name, spec), *others = signature.outputs.items()
    if others or spec.shape[1:] not in ((), (1,)) or not spec.dtype.startswith("float"):
        raise _other_method("regression", REGRESS, signature)
    return name


def _other_method(kind: str, wanted: str, signature: Signature) -> Refused:
    return invalid(f"Expected {kind} signature method_name to be {wanted}. Was: {signature.method}")
