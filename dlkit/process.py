"""Read and set the DLKIT_* environment variables; no other module reads them.

They are variables rather than arguments because they must be set before TensorFlow starts and in child processes.
"""

import os
import shlex
from pathlib import Path

from dlkit.errors import InputError

CACHE, COMPONENTS, DEBUG, RUNS = "DLKIT_CACHE", "DLKIT_COMPONENTS", "DLKIT_DEBUG", "DLKIT_RUNS"
DETERMINISTIC, OFFLINE, PARENT = "DLKIT_DETERMINISTIC", "DLKIT_OFFLINE", "DLKIT_PARENT"
SOURCES = "DLKIT_SOURCES"  # set for children: the folder of runs of their parent
COMPLETE = "_DLKIT_COMPLETE"  # set by the scripts of `dlkit completion`
SKIP_BAD, THREADS = "DLKIT_SKIP_BAD", "DLKIT_THREADS"
TFDS_DATA, TF_CONFIG = "TFDS_DATA_DIR", "TF_CONFIG"  # TensorFlow Datasets' own, and TensorFlow's
_READ_DATA = ("train", "evaluate", "reproduce")
_given: dict[str, str] = {}


def set_variable(name: str, value: str | None) -> None:
    """Set a variable for this process and its children, or remove it when the value is None."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = _given[name] = value


def command(verb: str, *words: object) -> str:
    """Return a command for the user to paste: quoted, with the folders that this process was given as options."""
    options = {COMPONENTS: "--components"} | ({TFDS_DATA: "--data-dir"} if verb in _READ_DATA else {})
    given = [(option, _given[name]) for name, option in options.items() if os.environ.get(name) == _given.get(name, "")]
    return shlex.join(["dlkit", verb, *map(str, words), *(word for pair in given for word in pair)])


def is_set(name: str) -> bool:
    """Return whether a switch is on: any value except empty and 0."""
    return os.environ.get(name, "") not in ("", "0")


def is_given(name: str) -> bool:
    """Return whether a variable is set to any value, including 0."""
    return bool(os.environ.get(name))


def variable(name: str) -> str | None:
    """Return a variable's value, None when it is not set or empty."""
    return os.environ.get(name) or None


def path_from(name: str) -> Path | None:
    """Return a variable's value as a path, or None when it is not set."""
    text = os.environ.get(name)
    return Path(text) if text else None


def whole_number(name: str) -> int | None:
    """Return a variable's value, None when it is not set; raise InputError unless it is a whole number >= 0."""
    text = os.environ.get(name, "")
    if text and not text.isdecimal():
        raise InputError(f"{name} is {text!r}", "set it to a whole number of at least 0, or unset it")
    return int(text) if text else None


def offline() -> bool:
    """Return whether --offline forbids network connections."""
    return is_set(OFFLINE)


def is_deterministic() -> bool:
    """Return whether operations must give bitwise identical results every time, even if they are slower."""
    return is_set(DETERMINISTIC)


def runs_root(option: Path | None = None) -> Path:
    """Return the folder of runs: --runs-dir, else DLKIT_RUNS, else ./saved_models."""
    return option or path_from(RUNS) or Path("saved_models")


def sources_roots() -> list[Path]:
    """Return the folders where a run that a recipe names is looked for: that of runs, and the parent's."""
    parent = path_from(SOURCES)
    return [runs_root()] if parent is None else [runs_root(), parent]


def take_parent_pipe() -> int | None:
    """Return the pipe that closes when the parent ends, and unset the variable: children get their own pipes."""
    number = os.environ.pop(PARENT, "")
    return int(number) if number.isdecimal() else None


def child_environment(parent_pipe: int) -> dict[str, str]:
    """Return the environment for a child that watches a pipe to notice when its parent ends.

    It also finds the runs that a recipe names where its parent finds them.
    """
    return os.environ | {PARENT: str(parent_pipe), SOURCES: str(sources_roots()[-1].absolute())}


def set_conditions(deterministic: bool = False, threads: int | None = None, skip_bad: int | None = None) -> None:
    """Set the given training conditions and leave the others unchanged."""
    given = {DETERMINISTIC: "1" if deterministic else None, THREADS: threads, SKIP_BAD: skip_bad}
    for name, value in given.items():
        if value is not None:
            set_variable(name, str(value))
