"""dlkit gradcheck: compare backpropagation with numeric differentiation."""

from pathlib import Path
from typing import Annotated

import typer

from dlkit.cli._options import DataDir, Json, Offline, Overrides, Recipe, RunsDir, apply_data_options, check_ending


def gradcheck(
    recipe: Recipe,
    overrides: Overrides = None,
    examples: Annotated[int, typer.Option("--examples", min=1, help="Size of the batch that is checked.")] = 4,
    entries: Annotated[
        int, typer.Option("--entries", min=1, help="Single entries to try in each parameter, besides all together.")
    ] = 5,
    figure: Annotated[Path | None, typer.Option("--figure", help="Draw the errors into this PNG file.")] = None,
    runs_dir: RunsDir = None,  # read from the environment, for a recipe's teacher or source
    data_dir: DataDir = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Compare backpropagation with numeric differentiation in float64, by layer and parameter.

    Example: dlkit gradcheck lenet5 --examples 2
    """
    from dlkit import console
    from dlkit.recipe import load_recipe

    apply_data_options(data_dir, offline)
    if figure is not None:
        check_ending("--figure", figure, ".png")
    float64 = ("training.precision=float64", f"training.batch_size={examples}")
    loaded = load_recipe(recipe, [*(overrides or ()), *float64])

    from dlkit.machine.tensorflow import start_tensorflow

    with console.waiting("differentiating"):
        start_tensorflow()
        from dlkit.experiments.gradcheck import check_recipe, to_json

        result = to_json(check_recipe(loaded, entries))
    if figure is not None:
        from dlkit.figures.gradcheck import gradcheck_figure
        from dlkit.figures.style import save
        from dlkit.files.atomic import write_file

        drawn = gradcheck_figure(result)
        write_file(figure, lambda aside: save(drawn, aside, f"recipe {loaded.recipe.name}, {examples} examples"))
    content = {"recipe": loaded.recipe.name, "figure": figure and str(figure)} | result
    if as_json:
        console.print_json(content)
    else:
        console.show_gradcheck(content)
    if not result["passed"]:
        raise typer.Exit(1)
