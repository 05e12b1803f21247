"""Restore the conditions under which a run started: determinism, threads and skipped unreadable images."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dlkit.errors import CheckError
from dlkit.process import DETERMINISTIC, SKIP_BAD, THREADS, is_deterministic, is_given, set_conditions, whole_number

if TYPE_CHECKING:
    from dlkit.runs.directory import RunDirectory


def restore_conditions(run: "RunDirectory", any_threads: bool = False) -> None:
    """Set the conditions that a run started with.

    any_threads: results do not depend on the number of threads, so it stays this process's. Raise CheckError when
    threads or determinism are set and differ from the run's.
    """
    recorded = run.read_json("environment.json")
    if not any_threads:
        _check_threads(run)
    threads = None if any_threads else recorded.get("threads", {}).get("intra_op") or _other_cores(recorded)
    deterministic = bool(recorded.get("deterministic")) and not is_given(DETERMINISTIC)
    set_conditions(deterministic, None if whole_number(THREADS) else threads)
    check_determinism(run)
    restore_left_out(run)


def _other_cores(recorded: Mapping[str, Any]) -> int | None:
    """Return the number of cores of the run's machine if it differs from this machine's, otherwise None."""
    cores: int | None = recorded.get("cpus")
    return cores if cores != os.cpu_count() else None


def _check_threads(run: "RunDirectory") -> None:
    """Raise CheckError when this process and the run have different numbers of threads, which changes sums."""
    recorded, given = run.read_json("environment.json"), whole_number(THREADS)
    began = recorded.get("threads", {}).get("intra_op") or recorded.get("cpus")
    if given and began and given != began:
        raise CheckError(
            f"the conditions differ from those that {run.path} started with: threads were {began}, are {given}",
            f"omit --threads and unset {THREADS}: the run stores its setting; or start a new run",
        )


def check_determinism(run: "RunDirectory") -> None:
    """Raise CheckError when the determinism of this process differs from the one that the run started with."""
    began, now = run.read_json("environment.json").get("deterministic"), is_deterministic()
    if began is None or began == now:
        return
    advice = f"unset {DETERMINISTIC}: the run stores its setting" if began else "omit --deterministic"
    raise CheckError(
        f"the conditions differ from those that {run.path} started with: deterministic was {began}, is {now}",
        f"{advice}; or start a new run",
    )


def restore_left_out(run: "RunDirectory") -> None:
    """Allow this process to skip as many unreadable images as the run skipped."""
    count = len(run.read_json("data.json").get("left_out", []))
    if count and whole_number(SKIP_BAD) is None:
        set_conditions(skip_bad=count)
