"""Compare the contract, the values printed in the lecture, with what was built and measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dlkit.recipe.schema import Bound, Expect

TableRow = tuple[str, list[int | None], int]
# An override below one of these keys changes the attainable metrics, so the lecture's bounds no longer apply.
DECISIVE = ("data", "model", "task", "training")

# An override below one of these keys may change the network's counts.
COUNTED = ("data", "model", "training.trainable", "training.phases")


@dataclass(frozen=True)
class Verdict:
    """The result for one bounded metric; `passed` is None, with a reason, when the metric was not checked."""

    name: str
    value: float | None
    at_least: float | None
    at_most: float | None
    lecture: float | None
    passed: bool | None
    reason: str = ""

    def __str__(self) -> str:
        bounds = [f"at least {self.at_least:g}"] if self.at_least is not None else []
        bounds += [f"at most {self.at_most:g}"] if self.at_most is not None else []
        found = "was not measured" if self.value is None else f"is {self.value:.6g}"
        return f"{self.name} {found}, expected {' and '.join(bounds) or 'anything'}"


def check_table(expect: Expect, counts: Mapping[str, int], rows: Sequence[TableRow]) -> list[str]:
    """Return the parameter counts that differ and the first layer row that differs, as expected and found."""
    differences = []
    if expect.parameters is not None:
        for name, expected in expect.parameters.model_dump(exclude_none=True).items():
            if counts[name] != expected:
                differences.append(f"{name} parameters: expected {expected:,}, found {counts[name]:,}")
    return differences + (_first_row(expect.layers, rows) if expect.layers is not None else [])


def changes_counts(overrides: Sequence[str]) -> str:
    """Return the overrides that may change the network's counts, as they were given: `--set model...`, or nothing."""
    return ", ".join(f"--set {override}" for override in overrides if override.strip().startswith(COUNTED))


def _first_row(expected: Sequence[TableRow], found: Sequence[TableRow]) -> list[str]:
    for number, (wanted, got) in enumerate(zip(expected, found, strict=False), 1):
        if (wanted[0], list(wanted[1]), wanted[2]) != (got[0], list(got[1]), got[2]):
            return [f"row {number}: expected {_shown(wanted)}, found {_shown(got)}"]
    if len(expected) != len(found):
        extra = (expected if len(expected) > len(found) else found)[min(len(expected), len(found))]
        side = "is missing" if len(expected) > len(found) else "is not in the contract"
        number = min(len(expected), len(found)) + 1
        return [f"rows: expected {len(expected)}, found {len(found)}; row {number} {_shown(extra)} {side}"]
    return []


def _shown(row: TableRow) -> str:
    return f"[{row[0]}, {list(row[1])}, {row[2]:,}]"


def check_metrics(expect: Expect, metrics: Mapping[str, float], overridden: bool) -> list[Verdict]:
    """Return a verdict for each metric of the contract."""
    return [_verdict(name, bound, metrics.get(name), overridden) for name, bound in expect.metrics.items()]


def _verdict(name: str, bound: Bound, value: float | None, overridden: bool) -> Verdict:
    passed: bool | None = None
    reason = ""
    if bound.at_least is None and bound.at_most is None:
        reason = "no bound"
    elif overridden:
        reason = "not checked: overridden"
    elif value is None:
        passed = False
    else:
        passed = (bound.at_least is None or value >= bound.at_least) and (
            bound.at_most is None or value <= bound.at_most
        )
    return Verdict(name, value, bound.at_least, bound.at_most, bound.lecture, passed, reason)


def is_overridden(overrides: Sequence[str]) -> bool:
    """Return whether any override changes a section that affects the metrics; trackers do not."""
    keys = [override.strip().partition("=")[0].split(".") for override in overrides]
    return any(key[0] in DECISIVE and key[:2] != ["training", "trackers"] for key in keys)
