"""dlkit runs: manage run directories."""

from typing import Annotated

import typer

from dlkit.cli._options import RunsDir

app = typer.Typer(help="Manage run directories.", no_args_is_help=True)


@app.callback()
def runs() -> None:
    """Manage run directories."""


@app.command()
def rm(
    references: Annotated[list[str], typer.Argument(metavar="RUN...", help="Run directories or names of runs.")],
    runs_dir: RunsDir = None,
) -> None:
    """Delete runs, with their checkpoints, figures and exports."""
    from dlkit import console
    from dlkit.process import runs_root
    from dlkit.runs.directory import find_run, remove_run

    root = runs_root(runs_dir)
    found = [find_run(reference, root) for reference in references]
    for run in found:
        remove_run(run, root)
        console.note(f"removed {run.path}")
