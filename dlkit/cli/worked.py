"""dlkit worked: work out an example of the decks with its numbers, without TensorFlow."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dlkit.cli._options import Json


def complete_examples(incomplete: str) -> list[str]:
    """Return the examples that begin like the word."""
    from dlkit.worked.find import names

    return [name for name in names() if name.startswith(incomplete)]


def worked(
    what: Annotated[
        str | None,
        typer.Argument(metavar="[WHAT]", help="An example [default: list them]", autocompletion=complete_examples),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME=NUMBERS]...",
            help="Other numbers than the deck's, such as stride=1 kernel='0 1; 1 0' or input=photo.png.",
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="PATH", help="A small YAML or JSON file with such settings.")
    ] = None,
    figure: Annotated[
        Path | None, typer.Option("--figure", metavar="PATH", help="Draw it too, into a .png or .svg file.")
    ] = None,
    dark: Annotated[bool, typer.Option("--dark", help="Draw the figure on black.")] = False,
    as_json: Json = False,
) -> None:
    """Work out an example of the decks by hand, with the deck's numbers or yours."""
    from dlkit import console
    from dlkit.worked import find

    if what is None:
        examples = [find.described(name) for name in find.names()]
        console.print_json(examples) if as_json else console.show_examples(examples)
        return
    work = find.find(what)
    if figure is not None:
        _check_figure(figure)
    from dlkit.worked.numbers import read_file, read_settings

    given = (read_file(file) if file is not None else {}) | _pairs(settings or [])
    result = work(**read_settings(work, given))
    if figure is not None:
        _write(result, figure, dark)
    if as_json:
        console.print_json({"example": what, "figure": str(figure) if figure else None} | result.to_json())
    else:
        console.show_example(result)
        if figure is not None:
            console.line(f"written  {figure}")


def _pairs(settings: list[str]) -> dict[str, Any]:
    """Return the settings of a command line; raise InputError for a word without a name."""
    from dlkit.errors import InputError

    pairs: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise InputError(f"{setting!r} is not NAME=NUMBERS", "write such as stride=1; `dlkit worked` lists names")
        if name in pairs:
            raise InputError(f"{name} is given twice", "give each setting once")
        pairs[name] = value
    return pairs


def _check_figure(path: Path) -> None:
    from dlkit.errors import InputError

    if path.suffix not in (".png", ".svg"):
        raise InputError(f"--figure {path} is neither a .png nor an .svg file", "give a name that ends in .png or .svg")


def _write(result: Any, path: Path, dark: bool) -> None:
    from functools import partial

    from dlkit.figures.style import on_black, save
    from dlkit.figures.worked import worked_figure
    from dlkit.files.atomic import write_file

    with on_black(dark):
        write_file(path, partial(save, worked_figure(result)))
