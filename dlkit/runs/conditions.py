"""Restore the conditions under which a run began: determinism, threads, unreadable images left out."""

from typing import TYPE_CHECKING

from dlkit.errors import CheckError
from dlkit.process import DETERMINISTIC, SKIP_BAD, THREADS, is_deterministic, is_given, set_conditions, whole_number

if TYPE_CHECKING:
    from dlkit.runs.directory import RunDirectory


def restore_conditions(run: "RunDirectory") -> None:
    """Set the conditions that a run began under; threads that this process was given already go before.

    Raises CheckError when determinism is given, and not as the run began.
    """
    recorded = run.read_json("environment.json")
    threads = recorded.get("threads", {}).get("intra_op") or None
    deterministic = bool(recorded.get("deterministic")) and not is_given(DETERMINISTIC)
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
