"""Export a run's model and certify it, or verify an existing artefact."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlkit.errors import CheckError
from dlkit.export.certificate import ALLOWED_LOSS, CertificateError, certify, exporter_of
from dlkit.export.compare import worst
from dlkit.export.latency import measure
from dlkit.export.localise import diverging_layer
from dlkit.export.metadata import METADATA, metadata_of, vocabularies
from dlkit.export.request import ExportRequest, check_installed
from dlkit.export.stored import artefact_folder, changed_files, load_samples, read_certificate
from dlkit.export.validation import HeldOut, held_out
from dlkit.files.atomic import folder_aside, publish, remove_abandoned, write_text
from dlkit.interfaces.exporter import RefusedError
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


def export_or_verify(
    request: ExportRequest, run: RunDirectory | None, note: Callable[[str], None] = lambda _: None
) -> Exported:
    """Export or verify, as a resolved request asks; run: the result of request.resolve()."""
    if run is not None:
        trained = open_run(run, request.checkpoint)
        data = held_out(trained, request.examples, note)
        path, certificate = export(
            trained, request.format_name, request.output, request.part, data, request.allowed_loss
        )
        add_latency([(trained, path, certificate)], request.rounds)
        return Exported(run, path, certificate)
    assert request.verify is not None  # resolve() has found no run to export
    path = artefact_folder(request.verify)
    stored = read_certificate(path)
    certified = request.certified_run(stored["run"])
    check_installed(stored["format"])
    trained = open_run(certified, stored["checkpoint"])
    return Exported(certified, path, verify(path, trained, held_out(trained, request.examples, note)))


def add_latency(made: Sequence[tuple[TrainedModel, Path, dict[str, Any]]], rounds: int) -> None:
    """Measure artefacts (run, folder, certificate) together, and write their latency into their certificates.

    rounds: 0 measures nothing.
    """
    if not rounds or not made:
        return
    items = [(trained_part(trained, stored["part"]), stored["format"], path) for trained, path, stored in made]
    for (_, path, certificate), latency in zip(made, measure(items, rounds), strict=True):
        certificate["latency"] = latency
        write_text(path / CERTIFICATE, json.dumps(certificate, indent=2) + "\n")


def export(
    trained: TrainedModel,
    format_name: str,
    output: Path | None = None,
    part: str | None = None,
    data: HeldOut | None = None,
    allowed_loss: float = ALLOWED_LOSS,
) -> tuple[Path, dict[str, Any]]:
    """Write an artefact with its certificate to <output>/<recipe name>/<version>/; return that folder and certificate.

    part: only the `encoder` or `decoder` of an autoencoder, in <recipe name>_<part>. data: the held-out examples to
    compare besides the run's samples. allowed_loss: of the metric, for formats that round. Raises CheckError, and
    leaves nothing behind, when the reloaded artefact does not give the run's own outputs.
    """
    trained = trained_part(trained, part)
    name = "_".join(filter(None, (trained.loaded.recipe.name, part)))
    base = (output or trained.run.path / "exports" / format_name) / name
    remove_abandoned(base)
    with folder_aside(base) as aside:
        described = _write(trained, format_name, part, aside)
        certificate = certify(trained, format_name, aside, part, data, allowed_loss)
        certificate |= {key: described[key] for key in ("starts_at", "caller")}
        write_text(aside / CERTIFICATE, json.dumps(certificate, indent=2) + "\n")
        if not certificate["passed"]:
            raise _difference(trained, format_name, certificate)
        return _next_version(aside, base), certificate


def _write(trained: TrainedModel, format_name: str, part: str | None, folder: Path) -> dict[str, Any]:
    """Write the artefact, and what programs and people need beside it; return the content of its model.json."""
    built = trained.built
    exporter = exporter_of(format_name)
    if reason := exporter.refusal(built):
        raise RefusedError(f"format {format_name} cannot express this network: {reason}", "export another format")
    interface = exporter.write(built, folder, built.samples(load_samples(trained.run)))
    described = metadata_of(trained, format_name, part, interface)
    write_text(folder / METADATA, json.dumps(described, indent=2, ensure_ascii=False) + "\n")
    for file, words in vocabularies(built, interface).items():
        write_text(folder / file, json.dumps(words, ensure_ascii=False) + "\n")
    if built.class_names:
        write_text(folder / CLASS_NAMES, json.dumps(list(built.class_names), ensure_ascii=False) + "\n")
    if built.description.table is not None:
        write_text(folder / COLUMNS, json.dumps(built.description.table.names, ensure_ascii=False) + "\n")
    return described


def _difference(trained: TrainedModel, format_name: str, certificate: dict[str, Any]) -> CertificateError:
    """Return the error for an artefact that differs, with the first layer that does."""
    found = certificate["diverges"] = diverging_layer(trained, format_name, certificate["starts_at"])
    return CertificateError(
        f"the exported {format_name} differs from the run: {worst(certificate)}{_at(found)}",
        "the export was discarded",
        certificate,
    )


def _at(found: dict[str, Any] | None) -> str:
    if found is None:
        return "; every layer agrees when its output is kept"
    kind = "relative error" if found.get("relative") else "difference"
    return (
        f"; it begins at layer {found['layer']!r}: {kind} {found['before']:.2g} before it, {found['after']:.2g} after"
    )


def verify(path: Path, trained: TrainedModel, data: HeldOut | None = None) -> dict[str, Any]:
    """Verify an artefact against its certificate and its run; return a fresh certificate or raise CheckError."""
    artefact = artefact_folder(path)
    certificate = read_certificate(artefact)
    trained = trained_part(trained, certificate.get("part"))
    changed = changed_files(artefact, certificate["files"])
    if changed:
        raise CheckError(f"{artefact} has changed since it was certified: {'; '.join(changed)}", "export the run again")
    _check_class_names(artefact, trained)
    exporter_of(certificate["format"]).check(artefact, trained.built)
    allowed_loss = certificate.get("allowed_loss") or ALLOWED_LOSS
    fresh = certify(trained, certificate["format"], artefact, certificate.get("part"), data, allowed_loss)
    fresh |= {key: certificate[key] for key in ("starts_at", "caller", "latency") if key in certificate}
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
