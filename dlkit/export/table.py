"""Export a run in several formats: one row each, with its certificate or the reason why there is none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlkit.catalog.find import missing_package
from dlkit.export.certificate import CertificateError
from dlkit.export.export import add_latency, export
from dlkit.export.request import ExportRequest
from dlkit.export.validation import HeldOut, held_out
from dlkit.formatting import finite
from dlkit.interfaces.exporter import ConversionError, RefusedError
from dlkit.model.trained import TrainedModel

CERTIFIED, DIFFERS, REFUSED, MISSING = "certified", "differs", "refused", "not installed"


@dataclass(frozen=True)
class Row:
    """A format's export; certificate: also of an artefact that differs, and was therefore discarded."""

    format_name: str
    status: str
    reason: str = ""
    path: Path | None = None
    certificate: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form."""
        path = None if self.path is None else str(self.path)
        head = {"format": self.format_name, "status": self.status, "reason": self.reason, "path": path}
        return head | {"certificate": _finite(self.certificate)}


def _finite(value: Any) -> Any:
    """Return plain data with None instead of infinity and NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return finite(value) if isinstance(value, float) else value


def export_formats(
    request: ExportRequest, trained: TrainedModel, formats: Sequence[str], note: Callable[[str], None]
) -> list[Row]:
    """Export a run in all formats, and measure the certified artefacts together."""
    data = held_out(trained, request.examples, note)
    rows = [_row(trained, name, request, data, note) for name in formats]
    measure_rows([(trained, row) for row in rows], request.rounds)
    return rows


def measure_rows(rows: Sequence[tuple[TrainedModel, Row]], rounds: int) -> None:
    """Measure the certified artefacts of runs together, and write their latency into their certificates."""
    made = [(trained, row.path, row.certificate) for trained, row in rows if row.path and row.certificate]
    add_latency(made, rounds)


def _row(
    trained: TrainedModel, name: str, request: ExportRequest, data: HeldOut | None, note: Callable[[str], None]
) -> Row:
    if package := missing_package("exporter", name):
        return Row(name, MISSING, f"pip install '{package}'")
    note(f"{name} ...")
    try:
        path, certificate = export(trained, name, request.destination(name), request.part, data, request.allowed_loss)
    except CertificateError as error:
        return Row(name, DIFFERS, str(error), None, error.certificate)
    except (RefusedError, ConversionError) as error:
        return Row(name, REFUSED, str(error))
    return Row(name, CERTIFIED, "", path, certificate)
