"""Check what loading a SavedModel would run: only a TF2 object graph, its own assets and its own saver are allowed.

Without an object graph, TensorFlow runs whatever operations the file names for restoring. An object can also contain
functions that restore it, and a table is filled from whatever file its initialiser receives.
"""

from collections.abc import Iterator
from typing import Any

from dlkit.safety.ops import READS_ASSET, RESTORING

SAVER_NAMES = {role: f"__inference__traced_{role}_" for role in ("save", "restore")}


def saver_role(function: str) -> str:
    """Return `save` or `restore` for the functions that write and read the saver's variables, else an empty string."""
    return next((role for role, prefix in SAVER_NAMES.items() if function.startswith(prefix)), "")


def called_functions(node: Any) -> Iterator[str]:
    """Yield the functions that a node may call, including its own operation and functions passed to functions."""
    yield node.op
    yield from _named_in(node.attr)


def _named_in(attributes: Any) -> Iterator[str]:
    for value in attributes.values():
        for function in (*([value.func] if value.HasField("func") else []), *value.list.func):
            yield function.name
            yield from _named_in(function.attr)


def listed_functions(meta: Any) -> Iterator[str]:
    """Yield the functions that the object graph offers, and those that compute gradients."""
    graph, library = meta.object_graph_def, meta.graph_def.library
    yield from graph.concrete_functions
    for item in graph.nodes:
        yield from item.function.concrete_functions
        yield item.bare_concrete_function.concrete_function_name
    yield from (gradient.gradient_func for gradient in library.gradient)
    yield from (gradient.gradient_func for gradient in library.registered_gradients)


def loading_problems(meta: Any) -> Iterator[str]:
    """Yield what loading a meta graph would do beyond creating its own variables and tables."""
    if not meta.HasField("object_graph_def") or not meta.object_graph_def.nodes:
        yield "it has no object graph, so loading it would run the operations that it names for restoring"
    for number, item in enumerate(meta.object_graph_def.nodes):
        if item.saveable_objects or item.registered_saver:
            yield f"object {number} has its own saver"
    yield from _saver_problems(meta)
    yield from _exchanged_functions(meta)
    yield from _device_problems(meta)
    yield from _asset_problems(meta)


def _functions(meta: Any) -> dict[str, Any]:
    return {function.signature.name: function for function in meta.graph_def.library.function}


def _saver_problems(meta: Any) -> Iterator[str]:
    """Yield saver operations that call another function than one of their role, and functions that choose a file."""
    nodes = {node.name: node for node in meta.graph_def.node}
    functions = _functions(meta)
    saver = {"save": meta.saver_def.save_tensor_name.split(":")[0], "restore": meta.saver_def.restore_op_name}
    for role, name in saver.items():
        called = [other for other in called_functions(nodes[name]) if other in functions] if name in nodes else []
        if len(called) > 1 or any(saver_role(other) != role for other in called):
            yield f"the {role} operation of the saver, {name}, calls {', '.join(called)}"
    for name, function in functions.items():
        arguments = {argument.name for argument in function.signature.input_arg}
        for node in function.node_def:
            if node.op in RESTORING and not (node.input and node.input[0] in arguments):
                yield f"function {name} reads a file of its choice"


def _exchanged_functions(meta: Any) -> Iterator[str]:
    """Yield functions that TensorFlow's optimizer may call in place of others with the same `api_implements`."""
    for name, function in _functions(meta).items():
        if "api_implements" in function.attr:
            yield f"function {name} can be exchanged for another one"


def _device_problems(meta: Any) -> Iterator[str]:
    places = [meta.graph_def.node, *(function.node_def for function in meta.graph_def.library.function)]
    for node in (node for nodes in places for node in nodes):
        if "/job:" in node.device and "/job:localhost" not in node.device:
            yield f"operation {node.name} requests the device {node.device}"


def _asset_problems(meta: Any) -> Iterator[str]:
    """Yield functions and operations that fill a table from a file that is not an asset of this artefact."""
    functions = _functions(meta)
    readers = {name: _file_argument(function) for name, function in functions.items() if _reads(function.node_def)}
    for name, argument in readers.items():
        if argument is None or not _bound_to_asset(meta, functions[name], argument):
            yield f"function {name} reads a file that is not an asset"
    for name, function in functions.items():
        for node in function.node_def:
            for called in set(called_functions(node)) & readers.keys():
                yield f"function {called}, which reads a file, is called by {name}"
    assets = _asset_tensors(meta)
    for node in meta.graph_def.node:
        for called in set(called_functions(node)) & readers.keys():
            argument = readers[called]
            if argument is None or len(node.input) <= argument or node.input[argument].split(":")[0] not in assets:
                yield f"operation {node.name} passes {called} a file that is not an asset"


def _reads(nodes: Any) -> bool:
    return any(node.op == READS_ASSET for node in nodes)


def _file_argument(function: Any) -> int | None:
    """Return the index of the single argument that names the file a function reads, or None."""
    arguments = [argument.name for argument in function.signature.input_arg]
    files = {node.input[1] if len(node.input) > 1 else "" for node in function.node_def if node.op == READS_ASSET}
    return arguments.index(files.pop()) if len(files) == 1 and files <= set(arguments) else None


def _bound_to_asset(meta: Any, function: Any, argument: int) -> bool:
    """Return whether the object graph binds a function's argument to an asset; captured inputs come last."""
    graph = meta.object_graph_def
    bound = (
        list(graph.concrete_functions[function.signature.name].bound_inputs)
        if (function.signature.name in graph.concrete_functions)
        else []
    )
    place = argument - (len(function.signature.input_arg) - len(bound))
    if not 0 <= place < len(bound) or not 0 <= bound[place] < len(graph.nodes):
        return False
    item = graph.nodes[bound[place]]
    return bool(item.HasField("asset")) and 0 <= item.asset.asset_file_def_index < len(meta.asset_file_def)


def _asset_tensors(meta: Any) -> set[str]:
    """Return the nodes with an asset's path: those that the loader feeds, and variables assigned only from them."""
    found = {asset.tensor_info.name.split(":")[0] for asset in meta.asset_file_def}
    assigned: dict[str, list[str]] = {}
    for node in meta.graph_def.node:
        if node.op == "AssignVariableOp" and len(node.input) > 1:
            assigned.setdefault(node.input[0].split(":")[0], []).append(node.input[1].split(":")[0])
    variables = {name for name, values in assigned.items() if set(values) <= found}
    reads = (node for node in meta.graph_def.node if node.op == "ReadVariableOp" and node.input)
    return found | {node.name for node in reads if node.input[0].split(":")[0] in variables}
