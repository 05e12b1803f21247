"""dlkit runs: list, show and delete run directories."""

from typing import Annotated

import typer

from dlkit.cli._options import Json, Run, RunsDir

app = typer.Typer(help="List, show and delete run directories.", no_args_is_help=True)


@app.callback()
def runs() -> None:
    """List, show and delete run directories."""


@app.command("list")
def list_(runs_dir: RunsDir = None, as_json: Json = False) -> None:
    """List the runs in the order in which they started, as `dlkit list runs` does."""
    from dlkit.cli.list_ import list_components

    list_components("runs", runs_dir, as_json)


@app.command()
def show(run: Run = None, runs_dir: RunsDir = None, as_json: Json = False) -> None:
    """Show when a run started, how far it is, its metrics and its evaluations."""
    from dlkit import console
    from dlkit.process import runs_root
    from dlkit.runs.find import find_run
    from dlkit.runs.listing import describe

    content = describe(find_run(run, runs_root(runs_dir)))
    if as_json:
        console.print_json(content)
    else:
        console.show_run(content)


@app.command()
def rm(
    references: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Run directories, RECIPE/RUN, or names of runs.")
    ],
    runs_dir: RunsDir = None,
) -> None:
    """Delete exactly the named runs, with their checkpoints, figures and exports."""
    from dlkit import console
    from dlkit.process import runs_root
    from dlkit.runs.directory import remove_run
    from dlkit.runs.find import find_named

    root = runs_root(runs_dir)
    found = [find_named(reference, root) for reference in references]
    for run in found:
        remove_run(run, root)
        console.note(f"removed {run.path}")
