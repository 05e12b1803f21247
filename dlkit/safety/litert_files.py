"""List the contents of a LiteRT file, and check that it is complete in itself, without running it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from dlkit.errors import MissingError
from dlkit.safety.files import UnreadableError, first_line, refuse_export, require_file

IDENTIFIER = b"TFL3"
MAX_TABLES = 1_000_000


@dataclass(frozen=True)
class LitertContents:
    """Signatures, operations with their counts, and problems."""

    signatures: list[str] = field(default_factory=list)
    operations: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def litert_contents(path: Path) -> LitertContents:
    """Return the contents of a LiteRT file; raise InputError when it is not a readable one."""
    require_file(path)
    content = path.read_bytes()
    if content[4:8] != IDENTIFIER:
        raise UnreadableError(f"{path} is not a LiteRT file: it does not have the mark TFL3", "the file is damaged")
    schema = _schema()
    try:
        return _contents(schema, schema.Model.GetRootAs(content, 0), len(content))
    except Exception as error:  # reading outside of the bytes raises many kinds of errors
        message = f"{path} is not a readable LiteRT file: {first_line(error)}"
        raise UnreadableError(message, "the file is damaged") from error


def check_litert(path: Path) -> None:
    """Raise CheckError when a LiteRT file reads other files or needs operations that are not LiteRT's own."""
    refuse_export(path, litert_contents(path).problems)


def _schema() -> Any:
    try:
        return import_module("ai_edge_litert.schema_py_generated")
    except ImportError as error:
        message = "reading LiteRT files needs the package ai-edge-litert"
        raise MissingError(message, "pip install 'dlkit[litert]'") from error


def _contents(schema: Any, model: Any, size: int) -> LitertContents:
    contents = LitertContents()
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    codes = [model.OperatorCodes(index) for index in _indices(model.OperatorCodesLength())]
    contents.problems.extend(text for code in codes for text in _operation_problems(code, names))
    for graph in (model.Subgraphs(index) for index in _indices(model.SubgraphsLength())):
        used = [graph.Operators(index).OpcodeIndex() for index in _indices(graph.OperatorsLength())]
        contents.operations.update(names.get(_code(codes[index]), "?") for index in used)
        contents.problems.extend(_tensor_problems(graph, model.BuffersLength()))
    contents.problems.extend(_buffer_problems(model, size))
    signatures = (model.SignatureDefs(index) for index in _indices(model.SignatureDefsLength()))
    contents.signatures.extend((item.SignatureKey() or b"").decode(errors="replace") for item in signatures)
    return contents


def _indices(length: int) -> range:
    if length > MAX_TABLES:
        raise ValueError(f"it declares {length:,} entries in one list")
    return range(length)


def _code(code: Any) -> int:
    """Return an operation's number; old files have it in the field for numbers up to 127."""
    return int(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))


def _operation_problems(code: Any, names: dict[int, str]) -> Iterator[str]:
    name = names.get(_code(code))
    if name is None:
        yield f"operation {_code(code)} is unknown"
    elif name == "CUSTOM" or code.CustomCode():
        yield f"operation {(code.CustomCode() or b'?').decode(errors='replace')!r} is not LiteRT's own"


def _tensor_problems(graph: Any, buffers: int) -> Iterator[str]:
    for tensor in (graph.Tensors(index) for index in _indices(graph.TensorsLength())):
        name = (tensor.Name() or b"").decode(errors="replace")
        if tensor.Buffer() >= buffers:
            yield f"tensor {name!r} has no values in the file"
        if tensor.ExternalBuffer():
            yield f"tensor {name!r} has its values in another file"


def _buffer_problems(model: Any, size: int) -> Iterator[str]:
    if model.ExternalBufferGroupsLength() or model.ExternalBuffersLength():
        yield "it reads values from other files"
    for index in _indices(model.BuffersLength()):
        buffer = model.Buffers(index)
        if buffer.Offset() + buffer.Size() > size:
            yield f"buffer {index} lies outside of the file"
