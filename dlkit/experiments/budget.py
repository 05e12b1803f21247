"""What an artefact may take: bytes, milliseconds for one example, and a loss of its metric."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlkit.errors import InputError
from dlkit.formatting import byte_size

_UNITS: dict[str, dict[str, float]] = {
    "size": {"": 1, "b": 1, "kb": 1000, "mb": 1_000_000},
    "latency": {"": 1, "ms": 1, "s": 1000},
    "loss": {"": 1, "%": 0.01},
}
FORMS = "size=60KB, latency=2ms, loss=0.002"


@dataclass(frozen=True)
class Budget:
    """The limits, None for none: size in bytes, latency in ms (median of single examples), loss in points."""

    size: float | None = None
    latency: float | None = None
    loss: float | None = None

    def exceeded(self, candidate: Mapping[str, Any]) -> list[str]:
        """Return which limits a candidate with `size`, `latency_ms` and `loss` exceeds; unknown counts as exceeded."""
        given = {"size": candidate["size"], "latency": candidate["latency_ms"], "loss": candidate["loss"]}
        limits = {name: getattr(self, name) for name in given}
        return [
            name for name, limit in limits.items() if limit is not None and (given[name] is None or given[name] > limit)
        ]

    def __str__(self) -> str:
        parts = {"size": self.size and byte_size(self.size), "latency": self.latency and f"{self.latency:g} ms"}
        parts["loss"] = None if self.loss is None else f"{self.loss:g}"
        return ", ".join(f"{name} {text}" for name, text in parts.items() if text is not None)


def parse_budget(words: Sequence[str]) -> Budget:
    """Return the budget of words such as size=60KB, latency=2ms and loss=0.002; raise InputError for others."""
    limits: dict[str, float] = {}
    for word in words:
        name, _, text = word.partition("=")
        found = re.fullmatch(r"([0-9]*\.?[0-9]+)\s*([a-z%]*)", text.strip().lower())
        unit = found[2] if found else "?"
        allowed = _UNITS.get(name, {})
        if found is None or unit not in allowed:
            raise InputError(f"--budget {word!r} is not a budget", f"give one or more of: {FORMS}")
        limits[name] = float(found[1]) * allowed[unit]
    if not limits:
        raise InputError("there is no budget", f"give --budget, one or more of: {FORMS}")
    return Budget(**limits)
