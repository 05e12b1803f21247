"""dlkit export: a run as a deployable artefact, with a certificate that it gives the run's answers."""

from pathlib import Path
from typing import Annotated

import typer

from dlkit.cli._options import Checkpoint, Json, Offline, Run, RunsDir, apply_data_options, check_choice


def export(
    run: Run = None,
    format_name: Annotated[
        str, typer.Option("--format", help="The exporter, see `dlkit list exporters`.")
    ] = "saved_model",
    part: Annotated[
        str | None, typer.Option("--part", help="encoder or decoder: this part of an autoencoder alone.")
    ] = None,
    checkpoint: Checkpoint = "last",
    output: Annotated[
        Path | None, typer.Option("--output", help="Where to write NAME/VERSION/ [default: exports/ in the run].")
    ] = None,
    verify: Annotated[
        Path | None,
        typer.Option("--verify", metavar="PATH", help="Check this artefact against its certificate and run."),
    ] = None,
    runs_dir: RunsDir = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Export a run, or verify an exported artefact."""
    from dlkit.components import names
    from dlkit.run_directory import find_run, runs_root

    apply_data_options(None, offline)
    check_choice("--checkpoint", checkpoint, ("last", "best"))
    check_choice("--format", format_name, tuple(names("exporter")))
    if part is not None:
        check_choice("--part", part, ("encoder", "decoder"))
    if verify is None:
        found = find_run(run, runs_root(runs_dir), finished=True if run is None else None)
        found.checkpoint(checkpoint)

    from dlkit import console
    from dlkit.tensorflow_start import start_tensorflow

    with console.waiting("verifying" if verify else "exporting"):
        start_tensorflow()
        from dlkit import exporting, trained_model

        if verify is not None:
            path = exporting.artefact_folder(verify)
            stored = exporting.read_certificate(path)
            found = find_run(run or stored["run"], runs_root(runs_dir))
            certificate = exporting.verify(path, trained_model.open_run(found, stored["checkpoint"]))
        else:
            path, certificate = exporting.export(trained_model.open_run(found, checkpoint), format_name, output, part)
    if as_json:
        content = {"run": str(found.path), "format": certificate["format"], "path": str(path)}
        console.print_json(content | {"certificate": certificate})
    else:
        console.show_export(path, certificate, verified=verify is not None)
