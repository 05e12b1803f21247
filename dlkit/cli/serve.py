"""dlkit serve: answer requests with exported models, over HTTP."""

from pathlib import Path
from typing import Annotated

import typer

from dlkit.cli._options import Json, RunsDir


def serve(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN|ARTEFACT]...",
            help="Runs, folders of an export or of its versions, also as NAME=...; nothing is the latest run.",
        ),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen at; 0.0.0.0 is all of them.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 is any free one.")] = 8501,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", metavar="FILE", help="Answer only requests with this bearer token.")
    ] = None,
    keep: Annotated[int, typer.Option("--keep", min=1, help="Newest versions of each model that answer.")] = 1,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="[MODEL:]LABEL=VERSION", help="Name a version, which stays loaded."),
    ] = None,
    shadow: Annotated[
        float | None,
        typer.Option("--shadow", min=0, max=1, help="Refuse a new version that agrees on less of the kept samples."),
    ] = None,
    poll: Annotated[float, typer.Option("--poll", min=0.05, help="Seconds between looks for new versions.")] = 1.0,
    timeout: Annotated[float, typer.Option("--timeout", min=0.001, help="Seconds to answer, waiting included.")] = 30.0,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Examples computed at once.")] = 64,
    queue: Annotated[int, typer.Option("--queue", min=1, help="Requests of a model that may wait.")] = 1024,
    max_rows: Annotated[int, typer.Option("--max-rows", min=1, help="Examples of one request.")] = 1024,
    max_body: Annotated[int, typer.Option("--max-body", min=1, help="Megabytes of a request's body.")] = 32,
    max_pixels: Annotated[int, typer.Option("--max-pixels", min=1, help="Pixels of an encoded image.")] = 25_000_000,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Computing threads [default: 1; TensorFlow: one per core].")
    ] = None,
    runs_dir: RunsDir = None,
    as_json: Json = False,
) -> None:
    """Serve runs and exports: TensorFlow Serving's REST API, the Open Inference Protocol, and a page to try them."""
    from dlkit.process import runs_root, set_conditions
    from dlkit.serving.installed import check_installed

    check_installed()
    set_conditions(threads=threads)

    from dlkit import console
    from dlkit.serving.limits import MEGABYTE, Limits
    from dlkit.serving.request import ServeRequest, read_token, sources, unexported
    from dlkit.serving.server import check_reachable, serve

    limits = Limits(
        body=max_body * MEGABYTE, pixels=max_pixels, rows=max_rows, batch=batch, queue=queue, seconds=timeout
    )
    token = read_token(token_file)
    root = runs_root(runs_dir)
    _export(unexported(targets or [], root))
    request = ServeRequest(sources(targets or [], label or [], root), host, port, token, keep, shadow, poll, limits)
    for text in check_reachable(request):
        console.note(text)
    serve(request, console.note, console.print_json if as_json else console.show_serving)


def _export(runs: list[Path]) -> None:
    """Export the runs that have no export of their present weights, each with its certificate."""
    if not runs:
        return
    from dlkit import console
    from dlkit.machine.tensorflow import start_tensorflow

    start_tensorflow()
    from dlkit.export.export import export
    from dlkit.model.trained import open_run
    from dlkit.runs.directory import RunDirectory

    for run in runs:
        console.note(f"{run} has no export of its weights yet: exporting it as a SavedModel")
        export(open_run(RunDirectory(run)), "saved_model")
