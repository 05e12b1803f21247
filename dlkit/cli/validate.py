"""dlkit validate: show all problems of recipes, without training."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlkit.cli._options import Json, Overrides, complete_recipes

if TYPE_CHECKING:
    from dlkit.errors import Problem
    from dlkit.recipe.advice import Overlap


def validate(
    recipes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RECIPE]...",
            help="Recipe files or names [default: all shipped recipes].",
            autocompletion=complete_recipes,
        ),
    ] = None,
    overrides: Overrides = None,
    build: Annotated[bool, typer.Option("--build", help="Also build the models and check their contracts.")] = False,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", help="Also try to export this format with fresh weights, or all; repeatable."),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option("--figures", help="Draw the kernel overlap of transposed convolutions into this folder."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check recipes and show every problem with its line number.

    Prints a warning for transposed convolutions whose kernel size is not divisible by the stride. Needs TensorFlow only
    with --build, which also finds such layers inside builders, and with --format, which exports the network untrained.
    """
    from dlkit import console
    from dlkit.errors import DlkitError, ExitCode
    from dlkit.export.request import check_format_names
    from dlkit.recipe import shipped_recipes

    chosen = check_format_names(formats or [])
    found: list[dict[str, Any]] = []
    code = ExitCode.DONE
    for name in recipes or list(shipped_recipes()):
        try:
            overlaps, warnings = _check(name, overrides or [], build or bool(chosen), chosen)
        except DlkitError as error:
            found += [problem.to_json() | {"level": "problem"} for problem in error.problems]
            code = max(code, error.exit_code)
            if not as_json:
                console.show_problems(error)
        else:
            warnings += [overlap.warning() for overlap in overlaps if overlap.uneven]
            found += [warning.to_json() | {"level": "warning"} for warning in warnings]
            for warning in warnings if not as_json else ():
                console.note(f"warning: {warning}")
                console.note(f"  {warning.hint}")
            if figures is not None:
                _draw(overlaps, figures / name.removesuffix(".yaml").rpartition("/")[2])
            if not as_json:
                console.line(f"ok  {name}")
    if as_json:
        console.print_json(found)
    if code:
        raise typer.Exit(code)


def _check(name: str, overrides: list[str], build: bool, formats: list[str]) -> "tuple[list[Overlap], list[Problem]]":
    """Load a recipe, build it and try formats if requested; return transposed convolutions' overlaps, and warnings."""
    from dlkit.recipe import load_recipe
    from dlkit.recipe.advice import TRANSPOSED, overlap_of, overlaps
    from dlkit.recipe.checks import check_trackers

    loaded = load_recipe(name, overrides)
    check_trackers(loaded.recipe)
    listed = overlaps(loaded.recipe)
    if build:
        from dlkit.machine.tensorflow import start_tensorflow

        start_tensorflow()
        from dlkit.catalog.create import locate
        from dlkit.export.trial import check_formats
        from dlkit.training.check import check_build
        from dlkit.training.pixels import backbone_warning

        built = check_build(loaded)
        check_formats(built, formats, loaded)
        layers = [layer for layer in built.network._flatten_layers() if type(layer).__name__ in TRANSPOSED]
        found = [overlap_of(layer.name, layer.kernel_size, layer.strides, locate(layer)) for layer in layers]
        known = {overlap.location for overlap in found}
        warning = backbone_warning(built, loaded)
        return found + [overlap for overlap in listed if overlap.location not in known], [warning] if warning else []
    return listed, []


def _draw(overlaps: "list[Overlap]", folder: Path) -> None:
    from dlkit.figures.overlap_pattern import overlap_pattern_figure
    from dlkit.figures.style import save
    from dlkit.files.atomic import write_file

    for number, overlap in enumerate(overlaps, 1):
        figure = overlap_pattern_figure(overlap.name, overlap.kernel, overlap.stride)
        write_file(
            folder / f"overlap_{number}_{overlap.name}.png", partial(save, figure, about=f"recipe {folder.name}")
        )
