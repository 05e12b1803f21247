"""Read the two forms of a request to predict, `instances` and `inputs`, as the tensors of a signature."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlkit.serving.json_values import is_base64, shown
from dlkit.serving.signature import Signature, TensorSpec
from dlkit.serving.status import Refused, invalid
from dlkit.serving.tensors import array_of, converted, walked

Arrays = dict[str, np.ndarray]


def signature_name(request: Mapping[str, Any]) -> str | None:
    """Return the signature that a request asks for, if any."""
    name = request.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {shown(request)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name or None


def check_one_form(request: Mapping[str, Any]) -> None:
    """Raise Refused unless a request to predict has either a list of instances, or inputs."""
    if "instances" in request and "inputs" in request:
        raise invalid(
            f"JSON Value: {shown(request)} Not formatted correctly expecting only one of 'inputs' or 'instances' "
            "keys to exist "
        )
    if "inputs" in request:
        return
    if "instances" not in request:
        raise invalid("Missing 'inputs' or 'instances' key")
    if not isinstance(request["instances"], list):
        raise invalid(f"JSON Value: {shown(request)} Excepting 'instances' to be an list/array")
    if not request["instances"]:
        raise invalid(f"JSON Value: {shown(request)} No values in 'instances' array")


def read_rows(instances: list[Any], signature: Signature, literal: bool) -> Arrays:
    """Return the tensors of `instances`: values of the only input, or objects with a value for each input.

    literal: whether the body contains `true` or `false`, which NumPy would take for 1 and 0.
    """
    if not isinstance(instances[0], dict) and len(signature.inputs) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    if not _is_object(instances[0]):
        ((name, spec),) = signature.inputs.items()
        return {name: _rows(instances, spec, literal, "")}
    for index, element in enumerate(instances):
        if not _is_object(element):
            raise invalid(f"Expecting object but got list at item {index} of input list")
        _check_keys(index, element, signature)
    columns = {name: [element[name] for element in instances] for name in signature.inputs}
    return {name: _rows(columns[name], spec, literal, f" key: {name}") for name, spec in signature.inputs.items()}


def read_columns(inputs: Any, signature: Signature, literal: bool) -> Arrays:
    """Return the tensors of `inputs`: the value of the only input, or an object with a value for each input."""
    if not _is_object(inputs):
        if len(signature.inputs) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        ((name, spec),) = signature.inputs.items()
        return {name: array_of(inputs, spec, literal)}
    for name in signature.inputs:
        if name not in inputs:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return {name: array_of(inputs[name], spec, literal) for name, spec in signature.inputs.items()}


def _rows(values: list[Any], spec: TensorSpec, literal: bool, key: str) -> np.ndarray:
    """Return a list of values with one shape as an array; raise Refused with the number of the first that differs."""
    fast = None if literal else converted(values, spec)
    if fast is not None:
        return fast
    rows: list[np.ndarray] = []
    for index, value in enumerate(values):
        try:
            if _is_object(value) and not key:
                raise invalid(f"Expecting value/list but got object at item {index} of input list")
            rows.append(_like_the_first(walked(value, spec), rows))
        except Refused as error:
            if _is_object(value) and not key:
                raise
            place = f"Failed to process element: {index}{key} of 'instances' list."
            raise invalid(f"{place} Error: INVALID_ARGUMENT: {error.message}") from error
    return np.stack(rows)


def _like_the_first(array: np.ndarray, earlier: Sequence[np.ndarray]) -> np.ndarray:
    if earlier and array.size != earlier[0].size:
        raise invalid(f"Expecting tensor size: {earlier[0].size} but got: {array.size}")
    if earlier and array.shape != earlier[0].shape:
        raise invalid(f"Expecting shape {_shape_text(earlier[0])} but got: {_shape_text(array)}")
    return array


def _check_keys(index: int, element: Mapping[str, Any], signature: Signature) -> None:
    for name in element:
        if name not in signature.inputs:
            raise invalid(
                f"Failed to process element: {index} key: {name} of 'instances' list. Error: INVALID_ARGUMENT: "
                f"JSON object: does not have named input: {name}"
            )
    if len(element) != len(signature.inputs):
        raise invalid(
            f"Failed to process element: {index} of 'instances' list. JSON object: {shown(element)} keys must be "
            f"equal to: {','.join(sorted(signature.inputs))}"
        )


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not is_base64(value)


def _shape_text(array: np.ndarray) -> str:
    return f"[{','.join(map(str, array.shape))}]"
