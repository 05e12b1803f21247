"""dlkit report: write everything that a run has to show into one file."""

from pathlib import Path
from typing import Annotated

import typer

from dlkit.cli._options import Json, Run, RunsDir


def report(
    run: Run = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="The file [default: report.html or MODEL_CARD.md in the run].")
    ] = None,
    with_model: Annotated[
        bool, typer.Option("--with-model", help="Let the page run the network: draw a digit or drop a picture.")
    ] = False,
    card: Annotated[bool, typer.Option("--card", help="Write a model card (Markdown) instead of the page.")] = False,
    runs_dir: RunsDir = None,
    as_json: Json = False,
) -> None:
    """Write a run as one HTML page that needs nothing else, or as a model card."""
    from dlkit.errors import InputError
    from dlkit.process import runs_root
    from dlkit.runs.find import find_run

    if card and with_model:
        raise InputError("--card is text, which cannot run a network", "give --card or --with-model")
    found = find_run(run, runs_root(runs_dir))
    path = output or found.path / ("MODEL_CARD.md" if card else "report.html")

    from dlkit import console
    from dlkit.machine.tensorflow import start_tensorflow

    with console.waiting("writing"):
        start_tensorflow()
        if card:
            from dlkit.report.card import write_card

            write_card(found, path)
        else:
            from dlkit.report.page import write_page

            write_page(found, path, with_model)
    content = {"run": str(found.path), "file": str(path), "bytes": path.stat().st_size}
    if as_json:
        console.print_json(content)
    else:
        console.line(f"written  {path}")
