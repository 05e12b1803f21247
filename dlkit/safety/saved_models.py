"""List the contents of a SavedModel from its protobuf; nothing is loaded, so no code in it can run."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlkit.errors import CheckError
from dlkit.process import command
from dlkit.safety.files import UnreadableError, first_line, links_out, require_file, safe_member_name, special_files
from dlkit.safety.object_graph import called_functions, listed_functions, loading_problems, saver_role
from dlkit.safety.ops import ALLOWED, READS_ASSET, RESTORING, SAVING

GRAPH = "saved_model.pb"
OTHER_GRAPHS = ("saved_model.pbtxt", "saved_model.cpb")
INIT_OP = "__saved_model_init_op"


@dataclass(frozen=True)
class SavedModelContents:
    """Signatures, operations with their counts, and problems."""

    signatures: dict[str, Any] = field(default_factory=dict)
    operations: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def saved_model_contents(folder: Path) -> SavedModelContents:
    """Return the contents of a SavedModel's graph; raise InputError when it is not a readable protobuf."""
    contents = SavedModelContents()
    contents.problems.extend(f"{name} contains another graph, which is not checked" for name in _other_graphs(folder))
    contents.problems.extend(f"{link} is a symbolic link out of the folder" for link in links_out(folder))
    contents.problems.extend(f"{path} is not a regular file" for path in special_files(folder))
    metas = _parsed(folder / GRAPH).meta_graphs
    if len(metas) > 1:
        contents.problems.append(f"it has {len(metas)} graphs, and its loader chooses which of them runs")
    for meta in metas:
        contents.signatures.update(_signatures(meta))
        _note_operations(meta, contents)
        contents.problems.extend(_asset_problems(meta))
        contents.problems.extend(_saver_problems(meta))
        contents.problems.extend(loading_problems(meta))
    return contents


def check_saved_model(folder: Path) -> None:
    """Raise CheckError with the operations when a SavedModel could do more than compute."""
    problems = saved_model_contents(folder).problems
    if problems:
        raise CheckError(
            f"{folder} was not loaded: {'; '.join(problems)}",
            f"a SavedModel is a program; load it only if you trust its author. Details: {command('inspect', folder)}",
        )


def _other_graphs(folder: Path) -> list[str]:
    return [name for name in OTHER_GRAPHS if (folder / name).exists()]


def _parsed(path: Path) -> Any:
    from tensorflow.core.protobuf import saved_model_pb2

    require_file(path)
    model = saved_model_pb2.SavedModel()
    try:
        model.ParseFromString(path.read_bytes())
    except Exception as error:  # the error classes of protobuf depend on how it was built
        raise UnreadableError(
            f"{path} is not a readable SavedModel: {first_line(error)}", "the file is damaged"
        ) from error
    if not model.meta_graphs:
        raise UnreadableError(f"{path} is not a readable SavedModel: it has no graph", "the file is damaged")
    return model


def _signatures(meta: Any) -> dict[str, Any]:
    """Return the names, dtypes and shapes of the inputs and outputs of every endpoint."""
    named = {name: item for name, item in meta.signature_def.items() if name != INIT_OP}
    return {name: {"inputs": _tensors(item.inputs), "outputs": _tensors(item.outputs)} for name, item in named.items()}


def _tensors(tensors: Any) -> dict[str, Any]:
    from tensorflow.core.framework import types_pb2

    names = types_pb2.DataType.items()
    dtypes = {number: name.removeprefix("DT_").lower() for name, number in names}
    return {
        name: {"dtype": dtypes.get(info.dtype, str(info.dtype)), "shape": _shape(info.tensor_shape)}
        for name, info in sorted(tensors.items())
    }


def _shape(shape: Any) -> list[int | None] | None:
    if shape.unknown_rank:
        return None
    return [size.size if size.size >= 0 else None for size in shape.dim]


def _note_operations(meta: Any, contents: SavedModelContents) -> None:
    """Count all operations, and record those that are not allowed, with their location."""
    functions = {function.signature.name: function for function in meta.graph_def.library.function}
    inside: list[tuple[str, str, Any, list[str]]] = [("the graph", "", meta.graph_def.node, [])]
    for name, function in functions.items():
        arguments = [argument.name for argument in function.signature.input_arg]
        inside.append((f"function {name}", saver_role(name), function.node_def, arguments))
    for place, role, nodes, arguments in inside:
        contents.operations.update(node.op for node in nodes)
        refused = Counter(node.op for node in nodes if not _is_allowed(node, role, functions, arguments))
        contents.problems.extend(f"operation {op} in {place} is not allowed" for op in sorted(refused))


def _is_allowed(node: Any, role: str, functions: Iterable[str], arguments: Iterable[str]) -> bool:
    if node.op == READS_ASSET:
        return len(node.input) > 1 and node.input[1] in arguments
    if node.op in ALLOWED or (role == "save" and node.op in SAVING) or (role == "restore" and node.op in RESTORING):
        return True
    return node.op in functions and not _is_registered(node.op)


def _is_registered(operation: str) -> bool:
    from tensorflow import raw_ops

    return hasattr(raw_ops, operation)


def _asset_problems(meta: Any) -> Iterator[str]:
    for asset in meta.asset_file_def:
        if not safe_member_name(asset.filename):
            yield f"asset {asset.filename!r} is outside the folder"


def _saver_problems(meta: Any) -> Iterator[str]:
    """Yield calls of the functions that write and read variables other than by the saver."""
    saver = {meta.saver_def.save_tensor_name.split(":")[0], meta.saver_def.restore_op_name}
    callers = [node for node in meta.graph_def.node if node.name not in saver]
    callers += [node for function in meta.graph_def.library.function for node in function.node_def]
    called = {name for node in callers for name in called_functions(node)} | set(listed_functions(meta))
    yield from (f"function {name} is called outside the saver" for name in sorted(called) if saver_role(name))
    for name, signature in meta.signature_def.items():
        if saver & {info.name.split(":")[0] for info in signature.outputs.values()}:
            yield f"endpoint {name} calls the saver"
