"""Parse YAML text into nodes with positions.

Only the parser's events are used, and the reader interprets them. A text therefore cannot refer to a Python object,
expand without bound, or mean something else in another version of YAML.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from dlkit.errors import Location, Problem, RecipeError

MAX_NODES = 50_000
MAX_DEPTH = 60


@dataclass(frozen=True)
class Node:
    """A scalar (text), list (nodes) or mapping (pairs of nodes) of a file; an alias is the same node as its target."""

    kind: str
    location: Location
    value: Any
    plain: bool = False
    tag: str = ""


def compose(text: str, file: str) -> Node | None:
    """Return the single document of a text as a node, None if it is empty; raise RecipeError for invalid YAML."""
    try:
        return _Composer(file).document(iter(YAML(typ="safe", pure=True).parse(text)))
    except MarkedYAMLError as error:
        raise RecipeError([_syntax_problem(text, file, error)]) from error
    except (YAMLError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise RecipeError([Problem(f"this is not valid YAML: {first}", "", "", Location(file))]) from error


# What the parser says, in its own order of trial: what that means, what to do, and whether it is where a part began.
_ALIGN = "give all entries of a section the same indentation, and lists a `- ` before every entry"
_SYNTAX = {
    "while parsing a flow mapping": ("the { that opens here is not closed", "close it with }", True),
    "while parsing a flow sequence": ("the [ that opens here is not closed", "close it with ]", True),
    "while scanning a quoted scalar": ("the quote that opens here is not closed", "close it", True),
    "could not find expected ':'": ("this line has no `: `", "write `key: value`, with a space after the colon", True),
    "mapping values are not allowed": (
        "a key and its value stand where none is expected",
        "indent the line as its neighbours, or put quotes around a text with a colon",
        False,
    ),
    "found '<block mapping start>'": ("this line is indented differently from those before it", _ALIGN, False),
    "but found '?'": ("this line is no entry of the list before it", _ALIGN, False),
    "but found '-'": ("this entry of a list is indented differently from those before it", _ALIGN, False),
    "found '<block sequence start>'": ("a list stands where none is expected", _ALIGN, False),
    "expected '<document start>'": (
        "this is not a mapping of keys to values",
        "start from a shipped recipe: dlkit new NAME --from mnist_mlp",
        False,
    ),
}


def _syntax_problem(text: str, file: str, error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    location = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file)
    lines = text.splitlines()
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    if mark and "\t" in line[: mark.column + 1]:
        indented = "\t" in line[: len(line) - len(line.lstrip())]
        hint = "indent with spaces" if indented else "write a space in its place, as after a colon"
        return Problem("found a tab where YAML expects spaces", hint, "", location)
    message = " ".join(str(part) for part in (error.problem, error.context) if part)
    for wording, (said, hint, at_context) in _SYNTAX.items():
        if wording in message:
            start = error.context_mark if at_context and error.context_mark else None
            place = Location(file, start.line + 1, start.column + 1) if start else location
            return Problem(f"cannot parse YAML: {said}", hint, "", place)
    return Problem(f"cannot parse YAML: {message}", "check quotes, brackets and indentation here", "", location)


class _Composer:
    """Builds nodes from events, with limits on their depth and number."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._anchors: dict[str, Node | None] = {}
        self._count = 0

    def document(self, events: Iterator[Any]) -> Node | None:
        """Return the root node of the single document."""
        root: Node | None = None
        for event in events:
            name = type(event).__name__
            if name == "DocumentStartEvent" and root is not None:
                raise self._error(event, "found a second document", "keep one recipe per file, without `---`")
            if name not in ("StreamStartEvent", "StreamEndEvent", "DocumentStartEvent", "DocumentEndEvent"):
                root = self._node(event, events, 0)
        return root

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        self._count += 1
        if depth > MAX_DEPTH:
            raise self._error(event, "this is nested too deeply", f"allowed: {MAX_DEPTH} levels")
        if self._count > MAX_NODES:
            raise self._error(
                event, "there are too many values", f"allowed: {MAX_NODES:,}; keep data in a separate file"
            )
        if type(event).__name__ == "AliasEvent":
            return self._alias(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node = self._content(event, events, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _content(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        place = Location(self._file, event.start_mark.line + 1, event.start_mark.column + 1)
        tag = "" if event.tag is None else str(event.tag)
        if type(event).__name__ == "ScalarEvent":
            return Node("scalar", place, event.value, event.style is None, tag)
        items: list[Node] = []
        while type(following := next(events)).__name__ not in ("SequenceEndEvent", "MappingEndEvent"):
            items.append(self._node(following, events, depth + 1))
        if type(event).__name__ == "SequenceStartEvent":
            return Node("list", place, items, tag=tag)
        return Node("mapping", place, list(zip(items[::2], items[1::2], strict=True)), tag=tag)

    def _alias(self, event: Any) -> Node:
        if event.anchor not in self._anchors:
            raise self._error(
                event, f"the alias *{event.anchor} is not defined", f"define &{event.anchor} earlier in the file"
            )
        node = self._anchors[event.anchor]
        if node is None:
            raise self._error(event, f"the alias *{event.anchor} contains itself", "write the value out")
        return node

    def _error(self, event: Any, message: str, hint: str) -> RecipeError:
        place = Location(self._file, event.start_mark.line + 1, event.start_mark.column + 1)
        return RecipeError([Problem(message, hint, "", place)])
