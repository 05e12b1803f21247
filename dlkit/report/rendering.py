"""Fill the templates of pages. Whatever a run contains is escaped, and shown on one line."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from dlkit.formatting import measured, printable

FOLDER = Path(__file__).with_name("templates")


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_on_one_line,
    )
    found.filters |= {"measured": measured, "lines": _lines, "md": _markdown}
    return found


def _on_one_line(value: Any) -> Any:
    return printable(value) if type(value) is str else value


def _lines(text: str) -> Markup:
    """Return a text of several lines, each with its control characters escaped."""
    return Markup("\n").join(escape(printable(line)) for line in text.splitlines())


def _markdown(text: Any) -> Markup:
    """Return a text within a line whose characters mean nothing in Markdown or HTML."""
    return Markup(escape(re.sub(r"([\\`*_\[\]|~])", r"\\\1", printable(str(text)))))


def filled(template: str, content: Mapping[str, Any]) -> str:
    """Return a template with its content."""
    return _environment().get_template(template).render(content)


def shape_text(shape: Sequence[int | None]) -> str:
    """Return an output shape as text, with ? where a size varies."""
    return "x".join("?" if size is None else str(size) for size in shape)
