"""Export a run's model and certify it, or verify an existing artefact."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlkit.errors import CheckError
from dlkit.export.certificate import certify, exporter_of, worst
from dlkit.export.request import ExportRequest
from dlkit.export.stored import artefact_folder, changed_files, read_certificate
from dlkit.files.atomic import folder_aside, publish, remove_abandoned, write_text
from dlkit.model.parts import trained_part
from dlkit.model.trained import TrainedModel, open_run
from dlkit.runs.directory import RunDirectory
from dlkit.runs.inspection import CERTIFICATE

CLASS_NAMES, COLUMNS = "class_names.json", "columns.json"


@dataclass(frozen=True)
class Exported:
    """An exported artefact: its run, its folder and its certificate."""

    run: RunDirectory
    path: Path
    certificate: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form."""
        head = {"run": str(self.run.path), "format": self.certificate["format"], "path": str(self.path)}
        return head | {"certificate": self.certificate}


def export_or_verify(request: ExportRequest, run: RunDirectory | None) -> Exported:
    """Export or verify, as a resolved request asks; run: the result of request.resolve()."""
    if run is not None:
        trained = open_run(run, request.checkpoint)
        return Exported(run, *export(trained, request.format_name, request.output, request.part))
    assert request.verify is not None  # resolve() has found no run to export
    path = artefact_folder(request.verify)
    stored = read_certificate(path)
    certified = request.certified_run(stored["run"])
    return Exported(certified, path, verify(path, open_run(certified, stored["checkpoint"])))


def export(
    trained: TrainedModel, format_name: str, output: Path | None = None, part: str | None = None
) -> tuple[Path, dict[str, Any]]:
    """Write an artefact with its certificate to <output>/<recipe name>/<version>/; return that folder and certificate.

    part: only the `encoder` or `decoder` of an autoencoder, in <recipe name>_<part>. Raises CheckError, and leaves
    nothing behind, when the reloaded artefact does not give the run's own outputs.
    """
    trained = trained_part(trained, part)
    name = "_".join(filter(None, (trained.loaded.recipe.name, part)))
    base = (output or trained.run.path / "exports" / format_name) / name
    remove_abandoned(base)
    with folder_aside(base) as aside:
        exporter_of(format_name).write(trained.built, aside)
        if trained.built.class_names:
            write_text(aside / CLASS_NAMES, json.dumps(list(trained.built.class_names), ensure_ascii=False) + "\n")
        if trained.built.description.table is not None:
            write_text(aside / COLUMNS, json.dumps(trained.built.description.table.names, ensure_ascii=False) + "\n")
        certificate = certify(trained, format_name, aside, part)
        write_text(aside / CERTIFICATE, json.dumps(certificate, indent=2) + "\n")
        if not certificate["passed"]:
            raise CheckError(
                f"the exported {format_name} differs from the run: {worst(certificate)}", "the export was discarded"
            )
        return _next_version(aside, base), certificate


def verify(path: Path, trained: TrainedModel) -> dict[str, Any]:
    """Verify an artefact against its certificate and its run; return a fresh certificate or raise CheckError."""
    artefact = artefact_folder(path)
    certificate = read_certificate(artefact)
    trained = trained_part(trained, certificate.get("part"))
    changed = changed_files(artefact, certificate["files"])
    if changed:
        raise CheckError(f"{artefact} has changed since it was certified: {'; '.join(changed)}", "export the run again")
    _check_class_names(artefact, trained)
    exporter_of(certificate["format"]).check(artefact)
    fresh = certify(trained, certificate["format"], artefact, certificate.get("part"))
    if not fresh["passed"]:
        raise CheckError(f"{artefact} differs from its run: {worst(fresh)}", "export the run again")
    return fresh


def _check_class_names(artefact: Path, trained: TrainedModel) -> None:
    file = artefact / CLASS_NAMES
    try:
        names = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    except ValueError as error:
        raise CheckError(f"{file} is damaged: {error}", "export the run again") from error
    if names != list(trained.built.class_names):
        raise CheckError(f"the classes in {file} differ from the run's: {names}", "export the run again")


def _next_version(aside: Path, base: Path) -> Path:
    """Rename to the next free version number, as TensorFlow Serving expects."""
    taken = [int(child.name) for child in base.iterdir() if child.name.isdigit()]
    version = max(taken, default=0) + 1
    while not publish(aside, base / str(version)):
        version += 1
    return base / str(version)
