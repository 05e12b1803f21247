"""Printing primitives: results on stdout, notes on stderr, plain text where there is no terminal."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from dlkit.errors import DlkitError
from dlkit.formatting import rounded

PLAIN: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False, "soft_wrap": True}


def printable(text: str) -> str:
    """Return the text with control characters escaped, so that names from foreign files cannot control the terminal."""
    return "".join(letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in text)


def console_on(stream: str) -> Console:
    """Return a console on the current stdout or stderr, which never wraps lines where there is no terminal."""
    file = getattr(sys, stream)
    return Console(file=file, width=None if file.isatty() else 100_000, **PLAIN)


def line(text: str = "") -> None:
    """Print one line of a result on stdout."""
    console_on("stdout").print(printable(text))


def note(text: str) -> None:
    """Print one line that is not a result on stderr: progress, a warning, or the next step."""
    console_on("stderr").print(printable(text))


def show_problems(error: DlkitError) -> None:
    """Print all problems of an error on stderr: location and message, with the hint below."""
    for problem in error.problems:
        note(f"error: {problem}")
        if problem.hint:
            note(f"  {problem.hint}")


def print_json(value: Any) -> None:
    """Print one JSON value on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], right: Sequence[int] = ()) -> None:
    """Print a table of results, in plain columns where there is no terminal; right: the right-aligned columns."""
    terminal = sys.stdout.isatty()
    grid = Table(box=SIMPLE_HEAD if terminal else None, pad_edge=False, padding=(0, 2, 0, 0))
    for index, column in enumerate(columns):
        grid.add_column(printable(column), justify="right" if index in right else "left", no_wrap=True)
    for row in rows:
        grid.add_row(*(printable(str(cell)) for cell in row))
    console = console_on("stdout")
    if terminal:
        console.print(grid)
        return
    with console.capture() as capture:
        console.print(grid)
    for text in capture.get().splitlines():
        print(text.rstrip())


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Show a spinner on a terminal during work of unknown length."""
    if not sys.stderr.isatty():
        yield
        return
    with console_on("stderr").status(text):
        yield


def metrics_text(metrics: Mapping[str, float]) -> str:
    """Format metrics with their names in one line."""
    return "  ".join(f"{name} {value:.4f}" for name, value in metrics.items())


def duration(seconds: float) -> str:
    """Format a duration in seconds, minutes or hours, whichever suits its size."""
    if seconds < 99.5:
        return f"{rounded(seconds, 2)} s"
    return f"{rounded(seconds / 60, 2)} min" if seconds < 5970 else f"{rounded(seconds / 3600, 2)} h"
