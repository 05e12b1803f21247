"""The few ways to print: results on stdout, notes on stderr, plain text where there is no terminal."""

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
    """Return text whose control characters are escaped: names from files of others cannot steer the terminal."""
    return "".join(letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in text)


def console_on(stream: str) -> Console:
    """A console on today's stdout or stderr; lines are never broken where no terminal sets their width."""
    file = getattr(sys, stream)
    return Console(file=file, width=None if file.isatty() else 100_000, **PLAIN)


def line(text: str = "") -> None:
    """One line of a result."""
    console_on("stdout").print(printable(text))


def note(text: str) -> None:
    """One line that is no result: progress, what happens, what comes next."""
    console_on("stderr").print(printable(text))


def show_problems(error: DlkitError) -> None:
    """All problems of an error on stderr: place, message, and below it what to do."""
    for problem in error.problems:
        note(f"error: {problem}")
        if problem.hint:
            note(f"  {problem.hint}")


def print_json(value: Any) -> None:
    """One JSON value on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], right: Sequence[int] = ()) -> None:
    """A table of results, in plain columns where there is no terminal; `right` names the columns of numbers."""
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
    """A spinner on a terminal while something of unknown length happens."""
    if not sys.stderr.isatty():
        yield
        return
    with console_on("stderr").status(text):
        yield


def metrics_text(metrics: Mapping[str, float]) -> str:
    """Metrics by name in one line."""
    return "  ".join(f"{name} {value:.4f}" for name, value in metrics.items())


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    if seconds < 99.5:
        return f"{rounded(seconds, 2)} s"
    return f"{rounded(seconds / 60, 2)} min" if seconds < 5970 else f"{rounded(seconds / 3600, 2)} h"
