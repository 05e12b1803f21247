"""dlkit lr-range: find the learning rates that a recipe can be trained with."""

from math import inf
from pathlib import Path
from typing import Annotated

import typer

from dlkit.cli._options import DataDir, Json, Offline, Overrides, Recipe, RunsDir, apply_data_options, check_ending


def lr_range(
    recipe: Recipe,
    overrides: Overrides = None,
    lowest: Annotated[float, typer.Option("--from", min=0.0, help="The first learning rate.")] = 1e-6,
    highest: Annotated[float, typer.Option("--to", min=0.0, help="The last learning rate.")] = 10.0,
    steps: Annotated[int, typer.Option(min=10, help="Number of steps from the first to the last.")] = 100,
    figure: Annotated[Path | None, typer.Option(help="Draw the curve into this PNG file.")] = None,
    runs_dir: RunsDir = None,  # read from the environment, for a recipe's teacher or source
    data_dir: DataDir = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Train a few steps with an increasing learning rate and suggest one (learning-rate range test)."""
    from dlkit import console
    from dlkit.errors import InputError
    from dlkit.recipe import load_recipe

    apply_data_options(data_dir, offline)
    if not 0 < lowest < highest < inf:
        hint = "give two finite rates above 0, the lower one with --from"
        raise InputError(f"--from {lowest:g} and --to {highest:g} are not a range", hint)
    if figure is not None:
        check_ending("--figure", figure, ".png")
    loaded = load_recipe(recipe, overrides or ())

    from dlkit.machine.tensorflow import start_tensorflow

    with console.waiting("trying learning rates"):
        start_tensorflow()
        from dlkit.experiments.lr_range import range_test

        result = range_test(loaded, lowest, highest, steps)
    if figure is not None:
        from dlkit.figures.learning_rate_range import learning_rate_range_figure
        from dlkit.figures.style import save
        from dlkit.files.atomic import write_file

        drawn = learning_rate_range_figure(result.to_json())
        write_file(figure, lambda aside: save(drawn, aside, f"recipe {loaded.recipe.name}, train"))
    if as_json:
        console.print_json({"recipe": loaded.recipe.name, "figure": figure and str(figure)} | result.to_json())
    else:
        console.show_range_test(result, figure)
