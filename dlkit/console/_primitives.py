"""Printing primitives: results on stdout, notes on stderr, plain text where there is no terminal."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.cells import cell_len
from rich.console import Console

from dlkit.errors import DlkitError
from dlkit.formatting import measured, printable, rounded

PLAIN: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False, "soft_wrap": True}


def console_on(stream: str) -> Console:
    """Return a console on the current stdout or stderr, which never wraps lines where there is no terminal."""
    file = getattr(sys, stream)
    return Console(file=file, width=None if file.isatty() else 100_000, **PLAIN)


def line(text: str = "") -> None:
    """Print one line of a result on stdout."""
    console_on("stdout").print(printable(text))


def lines(parts: Sequence[str]) -> None:
    """Print parts of a result in one line, or on a terminal in as many lines as they need."""
    for text in filled(list(map(printable, parts)), terminal_width("stdout")).splitlines():
        line(text)


def terminal_width(stream: str) -> int | None:
    """Return the width of the terminal in characters, None where the stream is not a terminal."""
    return console_on(stream).width if getattr(sys, stream).isatty() else None


def note(text: str) -> None:
    """Print one line that is not a result on stderr: progress, a warning, or the next step."""
    console_on("stderr").print(printable(text))


def show_problems(error: DlkitError) -> None:
    """Print all problems of an error on stderr: location and message, with the hint below."""
    for problem in error.problems:
        first, *more = str(problem).split("\n")
        note(f"error: {first}")
        for text in (*more, *(f"  {part}" for part in problem.hint.split("\n") if part)):
            note(text)


def print_json(value: Any) -> None:
    """Print one JSON value on stdout, with other letters than ASCII only where the encoding has all of them.

    Bytes of a file name that are not UTF-8 stay escaped (json.loads reads them).
    """
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    print(json.dumps(value, indent=2, ensure_ascii=not unicode).encode(errors="backslashreplace").decode())


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
    return "  ".join(metric_texts(metrics))


def metric_texts(metrics: Mapping[str, float]) -> list[str]:
    """Format each metric with its name."""
    return [f"{name} {measured(value)}" for name, value in metrics.items()]


def filled(parts: Sequence[str], width: int | None, indent: str = "    ") -> str:
    """Join parts in one line, or in several where it is wider than a terminal; a part is never broken."""
    lines = [""]
    for part in parts:
        longer = f"{lines[-1]}  {part}" if lines[-1].strip() else f"{lines[-1]}{part}"
        if width and cell_len(longer) > width and lines[-1].strip():
            lines.append(f"{indent}{part}")
        else:
            lines[-1] = longer
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """Format a duration in seconds, minutes or hours, whichever suits its size."""
    if seconds < 99.5:
        return f"{rounded(seconds, 2)} s"
    return f"{rounded(seconds / 60, 2)} min" if seconds < 5970 else f"{rounded(seconds / 3600, 2)} h"
