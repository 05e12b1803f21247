"""The request for an export or a verification, resolved before TensorFlow starts."""

from dataclasses import dataclass
from pathlib import Path

from dlkit.catalog.find import missing_package, names
from dlkit.errors import InputError, MissingError, closest
from dlkit.runs.directory import RunDirectory
from dlkit.runs.find import find_run, find_trained

PARTS = ("encoder", "decoder")
ALL = "all"


@dataclass(frozen=True)
class ExportRequest:
    """A run to export or, with `verify`, an artefact to check against its certificate and its run.

    run: a reference, see find_run [default: the latest finished run, or the one that the artefact names]. output: the
    folder for <name>/<version>/ [default: exports/<format>/ in the run]. examples: how many of validation are compared
    [default: all]. allowed_loss: of the metric, for formats that round. rounds: of the latency, 0 for none.
    """

    root: Path
    run: str | None = None
    format_name: str = "saved_model"
    part: str | None = None
    checkpoint: str = "last"
    output: Path | None = None
    verify: Path | None = None
    examples: int | None = None
    allowed_loss: float = 0.01
    rounds: int = 7

    def resolve(self) -> RunDirectory | None:
        """Check format and part; return the run to export, or None to verify an artefact.

        Raises InputError for an unknown format or part, and the errors of find_trained.
        """
        known = names("exporter")
        if self.format_name not in (*known, ALL):
            raise InputError(f"unknown --format {self.format_name!r}", closest(self.format_name, [*known, ALL]))
        if self.part is not None and self.part not in PARTS:
            raise InputError(f"unknown --part {self.part!r}", closest(self.part, list(PARTS)))
        check_installed(self.format_name)
        return None if self.verify else find_trained(self.run, self.root, self.checkpoint)

    def destination(self, format_name: str) -> Path | None:
        """Return the folder for a format's artefacts, None for that in the run; all formats get one each."""
        if self.output is None or self.format_name != ALL:
            return self.output
        return self.output / format_name

    def certified_run(self, named: str) -> RunDirectory:
        """Return the run to compare an artefact with: the requested one, or the one that its certificate names."""
        return find_run(self.run or named, self.root)


def check_installed(format_name: str) -> None:
    """Raise MissingError with the command that installs what a format needs, if it is not installed."""
    package = missing_package("exporter", format_name)
    if package is not None:
        raise MissingError(f"format {format_name} needs packages that are not installed", f"pip install '{package}'")


def check_format_names(chosen: list[str]) -> list[str]:
    """Return the formats of a command line, `all` replaced by those installed; raise for unknown and missing ones."""
    known = names("exporter")
    if ALL in chosen:
        return [name for name in known if missing_package("exporter", name) is None]
    for name in chosen:
        if name not in known:
            raise InputError(f"unknown --format {name!r}", closest(name, [*known, ALL]))
        check_installed(name)
    return chosen
