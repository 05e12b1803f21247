"""Read YAML 1.2 into plain data, with a line and column for every key and value; YAML cannot run code here."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlkit.errors import InputError, Location, MissingError, Problem, RecipeError
from dlkit.recipe.nodes import MAX_DEPTH, Node, compose
from dlkit.recipe.scalars import resolve

SUFFIXES = (".yaml", ".yml")
MAX_BYTES = 1_000_000
MAX_REPEATED = 10_000

KeyPath = tuple[str | int, ...]


@dataclass
class Positions:
    """Positions of a recipe's values and keys, by their path from the root."""

    file: str
    values: dict[KeyPath, Location] = field(default_factory=dict)
    keys: dict[KeyPath, Location] = field(default_factory=dict)

    def key(self, path: KeyPath) -> Location:
        """Return the position of a key, or of the nearest enclosing item with a position."""
        return self.keys.get(path) or self.value(path)

    def value(self, path: KeyPath) -> Location:
        """Return the position of a value, or of the nearest enclosing item with a position."""
        for length in range(len(path), -1, -1):
            place = self.values.get(path[:length]) or self.keys.get(path[:length])
            if place:
                return place
        return Location(self.file)


def read_file(path: Path) -> str:
    """Return the text of a recipe file; raise InputError when it is not a small text file."""
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder", "give a recipe file, such as recipes/mnist_mlp.yaml")
        if path.suffix.lower() not in SUFFIXES:
            raise InputError(f"{path} is not a recipe", "the name of a recipe file ends in .yaml or .yml")
        if path.stat().st_size > MAX_BYTES:
            size = path.stat().st_size / 1e6
            raise InputError(f"{path} is {size:.0f} MB", f"a recipe may be at most {MAX_BYTES // 1_000_000} MB")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        message = f"{path}:{line} is not UTF-8 text: byte 0x{error.object[error.start]:02x}"
        raise InputError(message, "save it as UTF-8") from error
    except FileNotFoundError as error:
        raise MissingError(f"no such file: {path}", "give the path of a file that ends in .yaml or .yml") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", "check the path and its permissions") from error


def parse(text: str, file: str) -> tuple[dict[str, Any], Positions]:
    """Return a recipe's plain data and positions; raise RecipeError when the text is not a plain YAML mapping."""
    node = compose(text, file)
    if node is None:
        problem = Problem(
            "the recipe is empty", "start from a shipped one: dlkit new NAME --from mnist_mlp", "", Location(file)
        )
        raise RecipeError([problem])
    converter = _Converter(Positions(file))
    data = converter.convert(node, ())
    if converter.problems:
        raise RecipeError(converter.problems)
    if not isinstance(data, dict):
        message = f"a recipe must be a mapping of keys, received {_kind(data)}"
        raise RecipeError([Problem(message, "start with `recipe: 1`", "", node.location)])
    return data, converter.positions


def parse_value(text: str, file: str) -> Any:
    """Return a single YAML value, such as that of an override."""
    node = compose(text, file)
    if node is None:
        return None
    converter = _Converter(Positions(file))
    value = converter.convert(node, ())
    if converter.problems:
        raise RecipeError(converter.problems)
    return value


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a string", bool: "a boolean", type(None): "nothing"}
    return names.get(type(value), "a number")


class _Converter:
    """Converts YAML nodes to plain data, and records positions and problems."""

    def __init__(self, positions: Positions) -> None:
        self.positions = positions
        self.problems: list[Problem] = []
        self._seen: set[int] = set()
        self._repeated = 0

    def convert(self, node: Node, path: KeyPath) -> Any:
        """Return the node's plain data, with aliases expanded up to a limit."""
        self._watch(node, path)
        self.positions.values[path] = node.location
        if node.tag:
            tag = _short(node.tag.replace("tag:yaml.org,2002:", "!!"))
            self._fail(node, path, f"tags are not allowed: {tag}", "a recipe contains plain data and cannot run code")
            return None
        if node.kind == "mapping":
            return self._mapping(node, path)
        if node.kind == "list":
            return [self.convert(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _watch(self, node: Node, path: KeyPath) -> None:
        """Limit how many nodes aliases repeat: few in a genuine recipe, exponentially many in an alias bomb."""
        self._repeated += id(node) in self._seen
        self._seen.add(id(node))
        if self._repeated > MAX_REPEATED or len(path) > 2 * MAX_DEPTH:
            self._fail(node, (), f"aliases expand this to more than {MAX_REPEATED:,} values", "use fewer aliases")
            raise RecipeError(self.problems)

    def _mapping(self, node: Node, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.kind != "scalar" or key_node.tag:
                self._fail(key_node, path, "a key must be a plain word", "quote it, or put it on its own line")
                continue
            key = key_node.value
            if key in result:
                first = self.positions.keys[(*path, key)]
                self._fail(
                    key_node, (*path, key), f"the key {key!r} appears twice, first on line {first.line}", "remove one"
                )
                continue
            self.positions.keys[(*path, key)] = key_node.location
            result[key] = self.convert(value_node, (*path, key))
        return result

    def _scalar(self, node: Node, path: KeyPath) -> Any:
        try:
            return resolve(node.value) if node.plain else node.value
        except ZeroDivisionError:
            self._fail(node, path, f"{node.value} divides by zero", "write a number")
        except ValueError:
            self._fail(node, path, f"{_short(node.value)} is not a usable number", "write fewer digits")
        return None

    def _fail(self, node: Node, path: KeyPath, message: str, hint: str) -> None:
        self.problems.append(Problem(message, hint, dotted(path), node.location))


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def dotted(path: KeyPath) -> str:
    """Return a path as written for --set: model.sequential.layers.0.Dense.units."""
    return ".".join(map(str, path))
