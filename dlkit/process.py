"""Every DLKIT_* variable: what this process was asked to do, read here and nowhere else.

Variables rather than arguments, because they must hold before TensorFlow starts, and in child processes.
"""

import os
from pathlib import Path

from dlkit.errors import InputError

CACHE, COMPONENTS, DEBUG, RUNS = "DLKIT_CACHE", "DLKIT_COMPONENTS", "DLKIT_DEBUG", "DLKIT_RUNS"
DETERMINISTIC, OFFLINE, PARENT = "DLKIT_DETERMINISTIC", "DLKIT_OFFLINE", "DLKIT_PARENT"
SKIP_BAD, THREADS = "DLKIT_SKIP_BAD", "DLKIT_THREADS"
TFDS_DATA = "TFDS_DATA_DIR"  # TensorFlow Datasets' own


def set_variable(name: str, value: str | None) -> None:
    """Set a variable for this process and its children, or remove it."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def is_set(name: str) -> bool:
    """Return whether a switch is on: anything but empty and 0."""
    return os.environ.get(name, "") not in ("", "0")


def is_given(name: str) -> bool:
    """Return whether a variable holds anything, 0 included."""
    return bool(os.environ.get(name))


def path_from(name: str) -> Path | None:
    """Return the path that a variable holds, or None where it is not set."""
    text = os.environ.get(name)
    return Path(text) if text else None


def whole_number(name: str) -> int | None:
    """Return the variable's value, None where it is not set; InputError when it is not a whole number from 0."""
    text = os.environ.get(name, "")
    if text and not text.isdecimal():
        raise InputError(f"{name} is {text!r}", "give a whole number from 0, or unset the variable")
    return int(text) if text else None


def offline() -> bool:
    """Return whether --offline forbids every connection."""
    return is_set(OFFLINE)


def is_deterministic() -> bool:
    """Return whether operations must give the same bits every time, whatever it costs."""
    return is_set(DETERMINISTIC)


def runs_root(option: Path | None = None) -> Path:
    """Return --runs-dir, else DLKIT_RUNS, else ./saved_models."""
    return option or path_from(RUNS) or Path("saved_models")


def take_parent_pipe() -> int | None:
    """Return the number of the pipe that tells of the parent's end, once: children have pipes of their own."""
    number = os.environ.pop(PARENT, "")
    return int(number) if number.isdecimal() else None


def child_environment(parent_pipe: int) -> dict[str, str]:
    """Return the environment of a child that watches a pipe for its parent's end."""
    return os.environ | {PARENT: str(parent_pipe)}


def set_conditions(deterministic: bool = False, threads: int | None = None, skip_bad: int | None = None) -> None:
    """Set the conditions of a training that are given; those that are not stay as they are."""
    given = {DETERMINISTIC: "1" if deterministic else None, THREADS: threads, SKIP_BAD: skip_bad}
    for name, value in given.items():
        if value is not None:
            set_variable(name, str(value))
