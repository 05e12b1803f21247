"""dlkit plot: draw what the decks show, of nothing, a recipe, a run or several runs."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dlkit.cli._options import (
    CHECKPOINTS,
    Checkpoint,
    DataDir,
    Json,
    Offline,
    RunsDir,
    apply_data_options,
    check_choice,
)


def complete_plots(incomplete: str) -> list[str]:
    """Return the pictures that begin like the word."""
    from dlkit.plots.find import names

    return [name for name in names() if name.startswith(incomplete)]


def plot(
    what: Annotated[
        str | None,
        typer.Argument(metavar="[WHAT]", help="A picture [default: list them].", autocompletion=complete_plots),
    ] = None,
    subjects: Annotated[
        list[str] | None, typer.Argument(metavar="[RECIPE|RUN]...", help="What it is of, if it is of anything.")
    ] = None,
    layer: Annotated[str | None, typer.Option("--layer", help="A layer by its name in `dlkit summary`.")] = None,
    example: Annotated[int | None, typer.Option("--example", min=0, help="Number of an example, from 0.")] = None,
    split: Annotated[str | None, typer.Option("--split", help="Examples of this split: train or validation.")] = None,
    metric: Annotated[str | None, typer.Option("--metric", help="A column of history.csv, such as accuracy.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="Size of a network: parameters, depth or width.")] = None,
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="The folder to write to.")] = Path("figures"),
    dark: Annotated[bool, typer.Option("--dark", help="Draw on black.")] = False,
    checkpoint: Checkpoint = "last",
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Draw a picture of the decks into DIR, as PNG and as SVG."""
    from dlkit import console
    from dlkit.plots import find
    from dlkit.process import runs_root

    if what is None:
        listed = [find.described(name) for name in find.names()]
        console.print_json(listed) if as_json else console.show_plots(listed)
        return
    apply_data_options(data_dir, offline)
    check_choice("--checkpoint", checkpoint, CHECKPOINTS)
    if split is not None:
        check_choice("--split", split, ("train", "validation"))
    draw = find.find(what)
    options = find.chosen(draw, what, {"layer": layer, "example": example, "split": split, "metric": metric, "by": by})
    find.check_subjects(draw, what, subjects or [])
    from dlkit.figures.style import on_black

    with console.waiting("drawing"), on_black(dark):
        opened = find.open_subjects(find.subject_of(draw), subjects or [], runs_root(runs_dir), checkpoint)
        written = _write(draw(*opened, **options), output, find.named(opened), find.about(opened))
    if as_json:
        console.print_json({"picture": what, "files": [str(path) for path in written]})
    else:
        for path in written:
            console.line(f"written  {path}")


def _write(figures: Any, folder: Path, recipe: str, about: str) -> list[Path]:
    """Write each figure as PNG and SVG, an animation as GIF, and numbers as JSON; return the files.

    recipe: the beginning of their names. about: the second line of their titles.
    """
    import json
    from functools import partial

    from dlkit.figures.animation import save_animation
    from dlkit.figures.style import save
    from dlkit.files.atomic import write_file, write_text
    from dlkit.runs.figures import file_name

    files = []
    for name, figure in figures.items():
        if isinstance(figure, dict):
            path = folder / f"{file_name(recipe + name)}.json"
            write_text(path, json.dumps(figure, indent=1) + "\n")
            files.append(path)
            continue
        if isinstance(figure, list):
            path = folder / f"{file_name(recipe + name)}.gif"
            write_file(path, partial(save_animation, figure, about=about))
            files.append(path)
            continue
        title = figure.get_suptitle()
        for ending in ("png", "svg"):
            figure.suptitle(title)
            path = folder / f"{file_name(recipe + name)}.{ending}"
            write_file(path, partial(save, figure, about=about))
            files.append(path)
    return files
