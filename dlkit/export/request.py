"""The request for an export or a verification, resolved before TensorFlow starts."""

from dataclasses import dataclass
from pathlib import Path

from dlkit.catalog.find import names
from dlkit.errors import InputError, closest
from dlkit.runs.directory import RunDirectory
from dlkit.runs.find import find_run, find_trained

PARTS = ("encoder", "decoder")


@dataclass(frozen=True)
class ExportRequest:
    """A run to export or, with `verify`, an artefact to check against its certificate and its run.

    run: a reference, see find_run [default: the latest finished run, or the one that the artefact names]. output: the
    folder for <name>/<version>/ [default: exports/ in the run].
    """

    root: Path
    run: str | None = None
    format_name: str = "saved_model"
    part: str | None = None
    checkpoint: str = "last"
    output: Path | None = None
    verify: Path | None = None

    def resolve(self) -> RunDirectory | None:
        """Check format and part; return the run to export, or None to verify an artefact.

        Raises InputError for an unknown format or part, and the errors of find_trained.
        """
        known = names("exporter")
        if self.format_name not in known:
            raise InputError(f"unknown --format {self.format_name!r}", closest(self.format_name, known))
        if self.part is not None and self.part not in PARTS:
            raise InputError(f"unknown --part {self.part!r}", closest(self.part, list(PARTS)))
        return None if self.verify else find_trained(self.run, self.root, self.checkpoint)

    def certified_run(self, named: str) -> RunDirectory:
        """Return the run to compare an artefact with: the requested one, or the one that its certificate names."""
        return find_run(self.run or named, self.root)
