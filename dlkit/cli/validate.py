"""dlkit validate: all problems of recipes, without training anything."""

from typing import Annotated

import typer

from dlkit.cli._options import Json, Overrides


def validate(
    recipes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RECIPE]...", help="Recipe files or names [default: all shipped recipes]."),
    ] = None,
    overrides: Overrides = None,
    build: Annotated[bool, typer.Option("--build", help="Build the models too, and check their contracts.")] = False,
    as_json: Json = False,
) -> None:
    """Check recipes and show every problem with its line.

    TensorFlow is not needed, unless --build is given.
    """
    from dlkit import console
    from dlkit.errors import DlkitError, ExitCode
    from dlkit.recipe import shipped_recipes

    problems, code = [], ExitCode.DONE
    for name in recipes or list(shipped_recipes()):
        try:
            _check(name, overrides or [], build)
        except DlkitError as error:
            problems += error.problems
            code = max(code, error.exit_code)
            if not as_json:
                console.show_problems(error)
        else:
            if not as_json:
                console.line(f"ok  {name}")
    if as_json:
        console.print_json([problem.to_json() for problem in problems])
    if code:
        raise typer.Exit(code)


def _check(name: str, overrides: list[str], build: bool) -> None:
    from dlkit.recipe import load_recipe

    loaded = load_recipe(name, overrides)
    if build:
        from dlkit.tensorflow_start import start_tensorflow

        start_tensorflow()
        from dlkit.compiled_model import check_build

        check_build(loaded)
