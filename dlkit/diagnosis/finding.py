"""One thing that is wrong with a training, with its evidence and one thing to try."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """A diagnosis: its kind, what is wrong in one sentence, the measured evidence, and one thing to try."""

    kind: str
    says: str
    evidence: tuple[str, ...]
    advice: str

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form."""
        return {"kind": self.kind, "says": self.says, "evidence": list(self.evidence), "try": self.advice}
