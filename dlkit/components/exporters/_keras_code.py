"""Write a functional model as plain Keras code: one line per layer, with its output's shape and its parameters."""

import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
from keras import tree

from dlkit.components.exporters._class_source import class_source
from dlkit.interfaces.exporter import RefusedError

# Settings without an effect on a trained network: its weights are loaded, and nothing is trained.
_UNUSED = re.compile(r"(name|trainable|seed|batch_input_shape|.*_(initializer|regularizer|constraint))")
LARGEST_CONSTANT = 64
LOOKUPS = ("TextVectorization", "StringLookup", "IntegerLookup")


@dataclass
class Lines:
    """Lines of code, the classes that they need besides Keras' own, and the layers by their names in the code.

    vocabularies: the words of lookup layers by file name.
    """

    lines: list[str] = field(default_factory=list)
    classes: dict[str, str] = field(default_factory=dict)
    layers: dict[str, keras.Layer] = field(default_factory=dict)
    vocabularies: dict[str, list[str]] = field(default_factory=dict)
    shared: dict[int, str] = field(default_factory=dict)
    count: int = 0

    def variable(self) -> str:
        """Return a new name for a tensor: x1, x2, ..."""
        self.count += 1
        return f"x{self.count}"


def write_model(code: Lines, model: keras.Model, given: list[str]) -> list[str]:
    """Add a model's lines to the code, called with variables; return the variables of its outputs.

    Raises RefusedError for what plain Keras code cannot express.
    """
    names = {id(tensor): name for tensor, name in zip(tree.flatten(model.inputs), given, strict=True)}
    uses = _uses(model)
    for node in _nodes(model):
        operation, arguments = node.operation, (node.arguments.args, node.arguments.kwargs)
        tensors = [names[id(tensor)] for tensor in node.arguments.keras_tensors]
        if isinstance(operation, keras.Model):
            found = write_model(code, operation, tensors)
        elif _is_same_cast(operation, node):
            found = tensors
        else:
            found = [code.variable() for _ in node.outputs]
            words = _argument_words(*arguments, names)
            call = (
                f"{_layer(code, operation, uses)}({words})"
                if isinstance(operation, keras.Layer)
                else _operation(operation, words)
            )
            code.lines.append(f"{', '.join(found)} = {call}{_comment(operation, node)}")
        names |= {id(tensor): name for tensor, name in zip(node.outputs, found, strict=True)}
    return [names[id(tensor)] for tensor in tree.flatten(model.outputs)]


def _nodes(model: keras.Model) -> Iterable[Any]:
    """Yield the calls of a functional model in their order, without its inputs."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        yield from (node for node in model._nodes_by_depth[depth] if not node.is_input)


def _uses(model: keras.Model) -> dict[int, int]:
    found: dict[int, int] = {}
    for node in _nodes(model):
        found[id(node.operation)] = found.get(id(node.operation), 0) + 1
    return found


def _is_same_cast(operation: Any, node: Any) -> bool:
    """Return whether an operation casts to the type that its input already has."""
    return type(operation).__name__ == "Cast" and node.outputs[0].dtype == node.arguments.keras_tensors[0].dtype


def _argument_words(args: tuple[Any, ...], kwargs: Mapping[str, Any], names: Mapping[int, str]) -> str:
    """Return the arguments of a call as code, without those that have no effect in inference."""
    used = {key: value for key, value in kwargs.items() if value is not None and key != "training"}
    words = [_word(value, names) for value in args if value is not None]
    return ", ".join(words + [f"{key}={_word(value, names)}" for key, value in used.items()])


def _word(value: Any, names: Mapping[int, str]) -> str:
    """Return a value as code; tensors are the variables of `names`."""
    if id(value) in names:
        return names[id(value)]
    if isinstance(value, list | tuple):
        inner = ", ".join(_word(item, names) for item in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, slice) or value is Ellipsis or isinstance(value, int | float | str | bool | None):
        return repr(value)
    if keras.ops.is_tensor(value) and value.shape.num_elements() <= LARGEST_CONSTANT:
        numbers = keras.ops.convert_to_numpy(value).tolist()
        return f"ops.convert_to_tensor({numbers!r}, dtype={keras.backend.standardize_dtype(value.dtype)!r})"
    raise RefusedError(
        f"plain Keras code cannot express the argument {value!r}", "export another format, or use a layer of Keras"
    )


def _layer(code: Lines, layer: keras.Layer, uses: Mapping[int, int]) -> str:
    """Return the expression of a layer; one that is called several times is defined first, on a line of its own."""
    if id(layer) in code.shared:
        return code.shared[id(layer)]
    expression = constructor(code, layer, _free_name(code, layer))
    if uses[id(layer)] == 1:
        return expression
    name = re.sub(r"\W", "_", f"layer_{layer.name}")
    code.lines.append(f"{name} = {expression}")
    code.shared[id(layer)] = name
    return name


def _free_name(code: Lines, layer: keras.Layer) -> str:
    """Return the layer's name, or with a number if a layer of another nested network has it."""
    number, name = 1, layer.name
    while name in code.layers:
        number += 1
        name = f"{layer.name}_{number}"
    code.layers[name] = layer
    return str(name)


def constructor(code: Lines, layer: keras.Layer, name: str | None = None) -> str:
    """Return the expression that makes a layer, with the settings that differ from the defaults."""
    kind = type(layer)
    prefix = "layers."
    if not kind.__module__.startswith("keras."):
        prefix = ""
        code.classes |= class_source(kind)
    settings = _settings(code, layer)
    if name is not None:
        settings["name"] = repr(name)
    return f"{prefix}{kind.__name__}({_joined(kind, settings)})"


def _joined(kind: type, settings: dict[str, str]) -> str:
    """Return settings as arguments; the first without its name where Keras' classes take it by position."""
    parameters = [item for item in inspect.signature(kind).parameters.values() if item.name != "self"]
    positional = parameters and parameters[0].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    first = parameters[0].name if positional else ""
    words = [settings[first]] if first in settings else []
    return ", ".join([*words, *(f"{key}={value}" for key, value in settings.items() if key != first)])


def _settings(code: Lines, layer: keras.Layer) -> dict[str, str]:
    """Return the layer's settings as code, those that differ from the defaults of its class."""
    config = layer.get_config()
    if type(layer).__name__ in LOOKUPS:
        file = f"{layer.name}.txt"
        code.vocabularies[file] = layer.get_vocabulary(include_special_tokens=False)
        config["vocabulary"] = None
    defaults = _defaults(type(layer), config)
    found = {}
    for key, value in config.items():
        if not _UNUSED.fullmatch(key) and (key not in defaults or not _same(value, defaults[key])):
            found[key] = _setting(code, layer, key, value)
    if type(layer).__name__ in LOOKUPS:
        found["vocabulary"] = f"str(HERE / {file!r})"
    return found


def _defaults(kind: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a layer of this class that was given only what it needs."""
    parameters = inspect.signature(kind).parameters.values()
    needed = {item.name for item in parameters if item.default is inspect.Parameter.empty}
    given = {key: value for key, value in config.items() if key in needed}
    for make in (kind.from_config, lambda settings: kind(**settings)):
        try:
            plain: dict[str, Any] = make(given).get_config()
        except (TypeError, ValueError, KeyError):
            continue
        return {key: value for key, value in plain.items() if key not in needed}
    return {}


def _same(left: Any, right: Any) -> bool:
    """Return whether two settings are the same; tuples and lists are."""
    try:
        return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    except TypeError:
        return False


def _setting(code: Lines, layer: keras.Layer, key: str, value: Any) -> str:
    inner = getattr(layer, key, None) or (getattr(layer, "forward_layer", None) if key == "layer" else None)
    if isinstance(inner, keras.Layer):
        return constructor(code, inner)
    if isinstance(value, Mapping) and value.get("class_name") == "DTypePolicy":
        return repr(value["config"]["name"])
    if isinstance(value, Mapping) and "class_name" in value:
        if value.get("module", "").startswith("keras") or not value.get("registered_name"):
            return f"keras.saving.deserialize_keras_object({dict(value)!r})"
        raise RefusedError(
            f"layer {layer.name!r} has the setting {key}: {value['class_name']}, which is not Keras' own",
            "export another format",
        )
    return repr(list(value) if isinstance(value, tuple) else value)


def _operation(operation: Any, words: str) -> str:
    """Return the call of a function of keras.ops."""
    kind = type(operation).__name__
    if kind == "GetItem":
        tensor, _, key = words.partition(", ")
        return f"{tensor}[{_index(key)}]"
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower()
    function: Callable[..., Any] | None = getattr(keras.ops, name, None)
    if function is None or not type(operation).__module__.startswith("keras."):
        raise RefusedError(f"plain Keras code cannot express the operation {kind}", "export another format")
    known = inspect.signature(function).parameters
    config = {key: value for key, value in operation.get_config().items() if key in known}
    plain = {key: value for key, value in config.items() if not _same(value, known[key].default)}
    return f"ops.{name}({', '.join([words, *(f'{key}={value!r}' for key, value in plain.items())])})"


def _index(key: str) -> str:
    """Return an index as code: slices with colons are easier to read than calls."""
    text = re.sub(
        r"slice\((.+?), (.+?), (.+?)\)",
        lambda found: (
            ":".join("" if part == "None" else part for part in found.groups()[:2])
            + ("" if found[3] == "None" else f":{found[3]}")
        ),
        key,
    )
    return text.replace("Ellipsis", "...").removeprefix("(").removesuffix(")")


def _comment(operation: Any, node: Any) -> str:
    """Return the row of the network's table: the output's shape and the parameters."""
    if not isinstance(operation, keras.Layer):
        return ""
    shape = ", ".join("?" if size is None else str(size) for size in node.outputs[0].shape[1:])
    return f"  # [{shape}]  {operation.count_params():,}"
