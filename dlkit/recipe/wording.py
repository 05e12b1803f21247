"""Word the messages about received and allowed values."""

import re
from collections.abc import Mapping
from typing import Any

from dlkit.catalog.create import Component
from dlkit.errors import closest

ENTRY_PER_LINE = "write one entry per line, each starting with `- `"
WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a string",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
}
_BOUNDS = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "of at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "of at most"),
}


def explained(kind: str, received: Any, context: Mapping[str, Any], message: str) -> tuple[str, str]:
    """Return the message and hint for a value that is not allowed."""
    if kind == "list_type" and isinstance(received, Mapping):
        return f"expected a list, received {shown(received)}", ENTRY_PER_LINE
    if kind in WANTED:
        return f"expected {WANTED[kind]}, received {shown(received)}", unquoted(received)
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"expected a number {words} {context[name]:g}, received {shown(received)}", ""
    if kind == "literal_error":
        allowed = [word.strip("' ") for word in str(context["expected"]).replace(" or ", ", ").split(",")]
        hint = closest(received, allowed) if isinstance(received, str) else f"allowed: {', '.join(allowed)}"
        return f"{shown(received)} is not allowed here", hint
    if kind == "string_pattern_mismatch":
        return (
            f"{shown(received)} is not a valid name",
            "use at most 64 lower-case letters, digits, _ and -, starting with a letter or digit",
        )
    if kind == "value_error":
        return str(context.get("error", message)), ""
    return f"{message[:1].lower()}{message[1:]}, received {shown(received)}", ""


def unquoted(received: Any) -> str:
    """Return a hint if the received value is nearly a number, such as one in quotes, otherwise an empty string."""
    if received is None:
        return "give a value, or remove the key"
    if isinstance(received, float) and received.is_integer():
        return f"write {received:.0f}"
    if not isinstance(received, str):
        return ""
    if re.fullmatch(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?|[0-9]+/[0-9]+", received):
        return f"write {received} without quotes"
    if match := re.fullmatch(r"([-+]?[0-9.]+)\s*([,;%]|:([0-9.]+))", received):
        number, mark, divisor = match.groups()
        return f"write {number}/{'100' if mark == '%' else divisor}" if mark not in ",;" else f"write {number}"
    return ""


def shown(value: Any) -> str:
    """Return a short description of a received value."""
    if isinstance(value, Component):
        return f"the {value.namespace} {value.name}"
    if isinstance(value, Mapping):
        return f"a mapping with {', '.join(map(str, list(value)[:5])) or 'nothing in it'}"
    if isinstance(value, list):
        return f"a list of length {len(value)}"
    text = (
        {None: "nothing", True: "true", False: "false"}.get(value) if value is None or isinstance(value, bool) else None
    )
    text = text or repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def with_article(word: str) -> str:
    """Return a word preceded by a or an."""
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
