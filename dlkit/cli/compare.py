"""dlkit compare: show how runs differ, and whether they differ on the same examples."""

from pathlib import Path
from typing import Annotated

import typer

from dlkit.cli._options import Json, RunsDir, check_choice, check_ending


def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN RUN...", help="Two runs or more, each named as RUN.")],
    split: Annotated[
        str | None,
        typer.Option("--split", help="test, validation or train [default: the first that all runs have answered]."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", help="Also write the comparison as this .html.")] = None,
    runs_dir: RunsDir = None,
    as_json: Json = False,
) -> None:
    """Compare runs: recipe, data, layers, cost and metrics, with a test on the same examples."""
    from dlkit.errors import InputError
    from dlkit.experiments.compare import SPLITS
    from dlkit.process import runs_root
    from dlkit.runs.find import find_run

    if split is not None:
        check_choice("--split", split, SPLITS)
    if output is not None:
        check_ending("--output", output, ".html")
    if len(runs) < 2:
        raise InputError("compare needs two runs or more", "name another one: dlkit runs list")
    found = [find_run(run, runs_root(runs_dir)) for run in runs]

    from dlkit import console
    from dlkit.experiments import compare as comparison

    with console.waiting("comparing"):
        result = comparison.compare(found, split)
        if output is not None:
            from dlkit.report.comparison import write_comparison

            write_comparison(found, result, output)
    if as_json:
        console.print_json(result)
    else:
        console.show_comparison(result)
        if output is not None:
            console.line(f"written  {output}")
