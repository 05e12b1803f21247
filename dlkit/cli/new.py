"""dlkit new: write a new recipe, based on an existing one."""

import re
from pathlib import Path
from typing import Annotated

import typer

from dlkit.cli._options import complete_recipes


def new(
    name: Annotated[str, typer.Argument(help="The new recipe's name: lower-case letters, digits, _ and -.")],
    source: Annotated[
        str, typer.Option("--from", metavar="RECIPE", help="The recipe to copy.", autocompletion=complete_recipes)
    ],
    output: Annotated[
        Path | None, typer.Option("--output", help="Where to write it [default: NAME.yaml here].")
    ] = None,
) -> None:
    """Write a new recipe as a copy of an existing one, including its comments."""
    from dlkit import console
    from dlkit.errors import InputError
    from dlkit.files.atomic import write_text
    from dlkit.recipe import find_recipe, load_recipe, shipped_recipes
    from dlkit.recipe.reader import read_file

    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
        raise InputError(
            f"{name!r} is not a valid recipe name", "use lower-case letters, digits, _ and -, such as my_net"
        )
    if name in shipped_recipes():
        raise InputError(f"{name} is the name of a shipped recipe, which would be used instead", "choose another name")
    path = output or Path(f"{name}.yaml")
    if path.exists():
        raise InputError(f"{path} already exists", "choose another name or --output")
    load_recipe(source)
    text = read_file(find_recipe(source))
    text = re.sub(r"^name:.*$", f"name: {name}", text, count=1, flags=re.MULTILINE)
    text = re.sub(r"^(# Run: +dlkit \w+ )\S+", lambda match: match[1] + str(path), text, count=1, flags=re.MULTILINE)
    write_text(path, text)
    load_recipe(path)
    console.line(f"wrote {path}")
    console.note(f"next: edit it, then dlkit validate {path} --build and dlkit train {path}")
