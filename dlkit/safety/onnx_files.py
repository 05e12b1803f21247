"""List the contents of an ONNX file, and check that it is complete in itself, without running it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any

from dlkit.errors import MissingError
from dlkit.safety.files import MAX_VALUES, UnreadableError, first_line, refuse_export, require_file

OWN_DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
EXTERNAL = 1
"""The data location of a tensor whose values are in another file (TensorProto.EXTERNAL)."""
DEEPEST = 100


@dataclass(frozen=True)
class OnnxContents:
    """Inputs and outputs with their shapes, operations with their counts, and problems."""

    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    operations: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def onnx_contents(path: Path) -> OnnxContents:
    """Return the contents of an ONNX file; raise InputError when it is not a readable one."""
    model = _parsed(path)
    contents = OnnxContents(_tensors(model.graph.input), _tensors(model.graph.output))
    imports = [item.domain for item in model.opset_import]
    for domain in sorted({*imports} - {*OWN_DOMAINS}):
        contents.problems.append(f"it imports the operations of {domain!r}, but only ONNX's own are allowed")
    for nodes, initializers in _graphs(model):
        contents.operations.update(node.op_type for node in nodes)
        foreign = {f"{node.domain}.{node.op_type}" for node in nodes if node.domain not in OWN_DOMAINS}
        contents.problems.extend(f"operation {name} is not ONNX's own" for name in sorted(foreign))
        for tensor in initializers:
            contents.problems.extend(_tensor_problems(tensor))
    return contents


def check_onnx(path: Path) -> None:
    """Raise CheckError when an ONNX file reads other files or needs operations of others."""
    refuse_export(path, onnx_contents(path).problems)


def _parsed(path: Path) -> Any:
    require_file(path)
    try:
        onnx = import_module("onnx")
    except ImportError as error:
        raise MissingError("reading ONNX files needs the package onnx", "pip install 'dlkit[onnx]'") from error
    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except Exception as error:  # the error classes of protobuf depend on how it was built
        message = f"{path} is not a readable ONNX file: {first_line(error)}"
        raise UnreadableError(message, "the file is damaged") from error
    if not model.graph.node or not model.opset_import:
        raise UnreadableError(f"{path} is not a readable ONNX file: it has no graph", "the file is damaged")
    return model


def _graphs(model: Any) -> Iterator[tuple[list[Any], list[Any]]]:
    """Yield nodes and stored tensors of the graph, of its functions, and of all graphs inside their nodes."""
    waiting = [(list(model.graph.node), [*model.graph.initializer, *_sparse(model.graph)], 0)]
    waiting += [(list(function.node), [], 0) for function in model.functions]
    while waiting:
        nodes, tensors, depth = waiting.pop()
        for attribute in (attribute for node in nodes for attribute in node.attribute):
            tensors += [attribute.t, *attribute.tensors] if attribute.HasField("t") else list(attribute.tensors)
            inner = [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]
            if depth < DEEPEST:
                waiting += [(list(graph.node), [*graph.initializer, *_sparse(graph)], depth + 1) for graph in inner]
        yield nodes, tensors


def _sparse(graph: Any) -> list[Any]:
    return [part for tensor in graph.sparse_initializer for part in (tensor.values, tensor.indices)]


def _tensor_problems(tensor: Any) -> Iterator[str]:
    if tensor.data_location == EXTERNAL or tensor.external_data:
        place = next((entry.value for entry in tensor.external_data if entry.key == "location"), "?")
        yield f"tensor {tensor.name!r} has its values in another file, {place!r}"
    if prod(tensor.dims) > MAX_VALUES or any(size < 0 for size in tensor.dims):
        yield f"tensor {tensor.name!r} declares the shape {list(tensor.dims)}"


def _tensors(values: Any) -> dict[str, Any]:
    onnx = import_module("onnx")
    found = {}
    for value in values:
        tensor = value.type.tensor_type
        dtype = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
        shape = [size.dim_value if size.HasField("dim_value") else None for size in tensor.shape.dim]
        found[value.name] = {"dtype": dtype, "shape": shape}
    return found
