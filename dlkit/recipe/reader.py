"""Reads YAML 1.2 into plain data in which every key and value has a line and a column; nothing in it can run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from dlkit.errors import InputError, Location, Problem, RecipeError

MAX_BYTES = 1_000_000
MAX_NODES = 10_000
MAX_DEPTH = 60

KeyPath = tuple[str | int, ...]

_FRACTION = re.compile(r"^([-+]?\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)$")
_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "map", "seq")}


@dataclass
class Positions:
    """Where the values and keys of a recipe stand, by their path from the top."""

    file: str
    values: dict[KeyPath, Location] = field(default_factory=dict)
    keys: dict[KeyPath, Location] = field(default_factory=dict)

    def key(self, path: KeyPath) -> Location:
        """The place of a key, or of the nearest thing around it that has one."""
        return self.keys.get(path) or self.value(path)

    def value(self, path: KeyPath) -> Location:
        """The place of a value, or of the nearest thing around it that has one."""
        for length in range(len(path), -1, -1):
            place = self.values.get(path[:length]) or self.keys.get(path[:length])
            if place:
                return place
        return Location(self.file)


def read_file(path: Path) -> str:
    """The text of a recipe file; InputError when it is no small text file."""
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder", "give a recipe file, such as recipes/mnist_mlp.yaml")
        if path.stat().st_size > MAX_BYTES:
            size = path.stat().st_size / 1e6
            raise InputError(f"{path} has {size:.0f} MB", f"a recipe has at most {MAX_BYTES // 1_000_000} MB")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text in UTF-8 (byte {error.start})", "save it as UTF-8") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", "check the path and its permissions") from error


def parse(text: str, file: str) -> tuple[dict[str, Any], Positions]:
    """A recipe's plain data and its positions; RecipeError for anything that is no plain YAML mapping."""
    node = _compose(text, file)
    converter = _Converter(Positions(file))
    data = converter.convert(node, ())
    if converter.problems:
        raise RecipeError(converter.problems)
    if not isinstance(data, dict):
        raise _error(file, node, f"a recipe is a mapping of keys, received {_kind(data)}", "start with `recipe: 1`")
    return data, converter.positions


def parse_value(text: str, file: str) -> Any:
    """One YAML value, such as that of an override."""
    node = _compose(text, file, empty=True)
    if node is None:
        return None
    converter = _Converter(Positions(file))
    value = converter.convert(node, ())
    if converter.problems:
        raise RecipeError(converter.problems)
    return value


def _compose(text: str, file: str, empty: bool = False) -> Any:
    try:
        documents = list(YAML(typ="safe", pure=True).compose_all(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise RecipeError([_syntax_problem(text, file, error, mark)]) from error
    except (YAMLError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise RecipeError([Problem(f"this is no YAML: {first}", "", "", Location(file))]) from error
    except RecursionError as error:
        raise RecipeError([Problem("this is nested too deeply", "write it flat", "", Location(file))]) from error
    documents = [document for document in documents if document is not None]
    if len(documents) > 1:
        raise _error(file, documents[1], "there is a second document", "keep one recipe in a file, without `---`")
    if not documents and not empty:
        problem = Problem("the recipe is empty", "start from a shipped one: dlkit new NAME --from mnist_mlp", "", Location(file))
        raise RecipeError([problem])
    return documents[0] if documents else None


def _syntax_problem(text: str, file: str, error: MarkedYAMLError, mark: Any) -> Problem:
    location = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file)
    lines = text.splitlines()
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    if "\t" in line:
        return Problem("a tab stands where YAML wants spaces", "indent with spaces", "", location)
    message = " ".join(str(part) for part in (error.problem, error.context) if part)
    return Problem(f"YAML cannot be read: {message}", "check quotes, brackets and indentation here", "", location)


def _error(file: str, node: Node, message: str, hint: str, key: str = "") -> RecipeError:
    return RecipeError([Problem(message, hint, key, _location(file, node))])


def _location(file: str, node: Node) -> Location:
    return Location(file, node.start_mark.line + 1, node.start_mark.column + 1)


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "a text", bool: "a truth value", type(None): "nothing"}
    return names.get(type(value), "a number")


class _Converter:
    """Turns YAML nodes into plain data, noting positions and collecting problems."""

    def __init__(self, positions: Positions) -> None:
        self.positions = positions
        self.problems: list[Problem] = []
        self._count = 0
        self._open: list[int] = []

    def convert(self, node: Node, path: KeyPath) -> Any:
        """The node's plain data; aliases are expanded, as far as they stay small."""
        self._count += 1
        if self._count > MAX_NODES:
            self._fail(node, path, f"this expands to more than {MAX_NODES:,} values", "use fewer aliases")
            raise RecipeError(self.problems)
        if id(node) in self._open or len(self._open) > MAX_DEPTH:
            what = "an alias contains itself" if id(node) in self._open else "this is nested too deeply"
            self._fail(node, path, what, "write it out")
            raise RecipeError(self.problems)
        self.positions.values[path] = _location(self.positions.file, node)
        tag = str(node.tag)
        if tag not in _PLAIN_TAGS:
            self._fail(node, path, f"tags are not allowed: {_short(tag)}", "a recipe holds plain data and cannot run code")
            return None
        self._open.append(id(node))
        try:
            return self._content(node, path, tag)
        finally:
            self._open.pop()

    def _content(self, node: Node, path: KeyPath, tag: str) -> Any:
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.convert(item, (*path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        return self._scalar(node, path, tag.rsplit(":", 1)[1])

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode) or not str(key_node.tag).endswith((":str", ":int", ":float", ":bool", ":null")):
                self._fail(key_node, path, "a key must be a plain word", "quote it, or put it on a line of its own")
                continue
            key = str(key_node.value)
            if key in result:
                first = self.positions.keys[(*path, key)]
                self._fail(key_node, (*path, key), f"the key {key!r} stands twice, first in line {first.line}", "remove one")
                continue
            self.positions.keys[(*path, key)] = _location(self.positions.file, key_node)
            result[key] = self.convert(value_node, (*path, key))
        return result

    def _scalar(self, node: ScalarNode, path: KeyPath, kind: str) -> Any:
        text = str(node.value)
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind in ("int", "float"):
            return self._number(node, path, text.replace("_", ""), kind)
        match = _FRACTION.match(text) if node.style is None else None
        if match is None:
            return text
        if float(match.group(2)) == 0:
            self._fail(node, path, f"{text} divides by zero", "write a number")
            return None
        return float(match.group(1)) / float(match.group(2))

    def _number(self, node: ScalarNode, path: KeyPath, text: str, kind: str) -> Any:
        try:
            if kind == "int":
                return int(text, 0) if re.match(r"^[-+]?0[xob]", text) else int(text)
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError:
            self._fail(node, path, f"{_short(text)} is no number that can be used", "write fewer digits")
            return None

    def _fail(self, node: Node, path: KeyPath, message: str, hint: str) -> None:
        key = dotted(path)
        self.problems.append(Problem(message, hint, key, _location(self.positions.file, node)))


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def dotted(path: KeyPath) -> str:
    """A path as it is written for --set: model.sequential.layers.0.Dense.units."""
    return ".".join(map(str, path))


def to_yaml(data: Mapping[str, Any]) -> str:
    """Plain data as YAML text that parse() reads back to the same data."""
    import io

    stream = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None
    yaml.width = 120
    yaml.sort_base_mapping_type_on_output = False
    yaml.dump(dict(data), stream)
    return stream.getvalue()
