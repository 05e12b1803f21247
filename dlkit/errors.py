"""Errors shown to the user; each has a location, a message, a hint and an exit code."""

import re
from dataclasses import asdict, dataclass, replace
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """Exit codes of the process, documented in the README."""

    DONE = 0
    CHECK_FAILED = 1
    BAD_INPUT = 2
    MISSING = 3
    INTERRUPTED = 130


@dataclass(frozen=True)
class Location:
    """A position in a recipe file, or the command-line override that set the value; lines and columns start at 1."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


@dataclass(frozen=True)
class Problem:
    """One problem: where it is, what was received, and what to do next."""

    message: str
    hint: str = ""
    key: str = ""
    location: Location | None = None

    def __str__(self) -> str:
        place = ": ".join(str(part) for part in (self.location, self.key) if part)
        return f"{place}: {self.message}" if place else self.message

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form: file, line, column, key, message, hint."""
        location = asdict(self.location) if self.location else {"file": None, "line": None, "column": None}
        return location | {"key": self.key, "message": self.message, "hint": self.hint}


class DlkitError(Exception):
    """An error caused by the input or the environment, shown without a traceback."""

    exit_code = ExitCode.BAD_INPUT

    def __init__(self, message: str, hint: str = "", *, key: str = "", location: Location | None = None) -> None:
        self.problems = [Problem(message, hint, key, location)]
        super().__init__(message)

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form: exit code, the first problem's message, hint and place, and all problems."""
        problems = [problem.to_json() for problem in self.problems]
        place = {key: problems[0][key] for key in ("file", "line", "column", "key")}
        named = {key: problems[0][key] for key in ("message", "hint")}
        return {"code": int(self.exit_code)} | named | {"place": place, "problems": problems}


class InputError(DlkitError):
    """Invalid user input (exit 2)."""


class RecipeError(InputError):
    """An invalid recipe, with all of its problems (exit 2)."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class MissingError(DlkitError):
    """A missing external resource: data, weights, network or disk (exit 3)."""

    exit_code = ExitCode.MISSING


class CheckError(DlkitError):
    """A failed contract, certificate or check (exit 1)."""

    exit_code = ExitCode.CHECK_FAILED


def closest(word: str, allowed: list[str], where: str = "dlkit list") -> str:
    """Return the hint for a misspelt word: the closest allowed word, then all of them or the command to list them."""
    from difflib import get_close_matches

    folded = {name.lower(): name for name in allowed}
    meant = word.rpartition(".")[2].lower()
    swapped = [name for name in folded if sorted(name) == sorted(meant)]  # Adma is Adam rather than Adamax
    near = swapped[:1] or get_close_matches(meant, folded, n=1, cutoff=0.65)
    suggestion = f"did you mean {folded[near[0]]!r}? " if near else ""
    listed = ", ".join(allowed) if len(allowed) <= 40 else f"{len(allowed)} names, see `{where}`"
    return f"{suggestion}allowed: {listed or 'nothing'}"


def keras_reason(error: Exception) -> str:
    """Return the first line of a Keras error, without terminal codes and without the note about the failing call."""
    plain = re.sub(r"\x1b\[\d*m", "", str(error)).replace(" with name 'None'", "")
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("Exception encountered", "Arguments received"))] or lines
    return lines[0] if lines else type(error).__name__


def located(error: DlkitError, location: Location | None) -> DlkitError:
    """Set the location of those problems of an error that have none, and return the error."""
    error.problems = [
        problem if problem.location else replace(problem, location=location) for problem in error.problems
    ]
    return error
