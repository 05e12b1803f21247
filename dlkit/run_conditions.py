"""Under which conditions a training runs: determinism, threads, and how many unreadable images it may leave out.

They travel through the environment, as --offline does, so that they hold before TensorFlow starts and in children.
"""

import os
from typing import TYPE_CHECKING

from dlkit.errors import CheckError, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from dlkit.recipe.schema import Recipe
    from dlkit.run_directory import RunDirectory

DETERMINISTIC, THREADS, SKIP_BAD = "DLKIT_DETERMINISTIC", "DLKIT_THREADS", "DLKIT_SKIP_BAD"


def is_deterministic() -> bool:
    """Whether operations must give the same bits every time, whatever it costs."""
    return os.environ.get(DETERMINISTIC, "") not in ("", "0")


def whole_number(name: str) -> int | None:
    """The variable's value, None where it is not set; InputError when it is no whole number from 0."""
    text = os.environ.get(name, "")
    if text and not text.isdecimal():
        raise InputError(f"{name} is {text!r}", "give a whole number from 0, or unset the variable")
    return int(text) if text else None


def set_conditions(deterministic: bool = False, threads: int | None = None, skip_bad: int | None = None) -> None:
    """Set what is given for this process and its children; what is not given stays as it is."""
    if deterministic:
        os.environ[DETERMINISTIC] = "1"
    if threads is not None:
        os.environ[THREADS] = str(threads)
    if skip_bad is not None:
        os.environ[SKIP_BAD] = str(skip_bad)


def restore_conditions(run: "RunDirectory") -> None:
    """Set the conditions that a run began under; threads that this process was given already go before.

    Raises CheckError when determinism is given, and not as the run began.
    """
    recorded = run.read_json("environment.json")
    threads = recorded.get("threads", {}).get("intra_op") or None
    deterministic = bool(recorded.get("deterministic")) and not os.environ.get(DETERMINISTIC)
    set_conditions(deterministic, None if whole_number(THREADS) else threads)
    check_determinism(run)
    restore_left_out(run)


def check_determinism(run: "RunDirectory") -> None:
    """CheckError, with the difference, when this process computes under another determinism than the run began with."""
    began, now = run.read_json("environment.json").get("deterministic"), is_deterministic()
    if began is None or began == now:
        return
    advice = f"unset {DETERMINISTIC}: the run knows how it began" if began else "leave --deterministic out"
    raise CheckError(
        f"the conditions are not those that {run.path} began with: deterministic was {began}, is {now}",
        f"{advice}; or start a new run",
    )


def restore_left_out(run: "RunDirectory") -> None:
    """Allow this process to leave out as many unreadable images as the run has left out."""
    count = len(run.read_json("data.json").get("left_out", []))
    if count and whole_number(SKIP_BAD) is None:
        set_conditions(skip_bad=count)


def left_out(recipe: "Recipe") -> "list[Path]":
    """The unreadable images that the recipe's dataset leaves out; none unless that is allowed."""
    if not whole_number(SKIP_BAD):
        return []
    from dlkit.data_source import build_dataset

    return list(getattr(build_dataset(recipe), "left_out", ()))
