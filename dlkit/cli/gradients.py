"""dlkit gradients: the gradient of the loss by each layer."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlkit.cli._options import DataDir, Json, Offline, RunsDir, apply_data_options

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe


def gradients(
    recipes: Annotated[list[str], typer.Argument(metavar="RECIPE...", help="Recipes to draw in one figure.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE,VALUE...", help="Values to compare; every combination is drawn."),
    ] = None,
    first: Annotated[int, typer.Option("--first", min=1, help="Measure before each of the first N updates.")] = 5,
    updates: Annotated[int, typer.Option("--updates", min=0, help="Train so many updates and measure again.")] = 100,
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Measure the gradient by layer over the first updates and after training, for recipes and settings side by side.

    What is done is kept; run the same command again to continue. Example: dlkit gradients resnet20 --set
    model.resnet.depth=20,56 --set model.resnet.residual=true,false --set data.limit=2000
    """
    from dlkit import console
    from dlkit.experiments.gradient_plan import FOLDER, Subject, measure_gradients
    from dlkit.process import runs_root
    from dlkit.recipe.grid import Grid, load_combinations, parse_grid

    apply_data_options(data_dir, offline)
    root = runs_root(runs_dir)
    grid = parse_grid(settings) if settings else Grid({}, {})
    varied = [{k: v for k, v in chosen.items() if k not in grid.fixed} for chosen in grid.combinations]
    subjects = [
        Subject(loaded, parameters)
        for recipe in recipes
        for loaded, parameters in zip(load_combinations(recipe, grid), varied, strict=True)
    ]

    def alone(loaded: "LoadedRecipe") -> dict[str, Any]:
        from dlkit.machine.tensorflow import start_tensorflow

        with console.waiting("differentiating"):
            start_tensorflow()
            from dlkit.experiments.gradients import gradient_norms

            return gradient_norms(loaded, first, updates)

    measurements = measure_gradients(subjects, root, first, updates, alone, console.note_gradients)
    from dlkit.figures.gradients import gradients_figure
    from dlkit.runs.directory import RunDirectory
    from dlkit.runs.figures import write_figures

    folder = RunDirectory(root / measurements[0]["recipe"] / FOLDER)
    write_figures(folder, {"gradients": lambda: gradients_figure(measurements)}, "train", console.note)
    content = {"figure": str(folder.path / "figures" / "gradients.png"), "measurements": measurements}
    console.print_json(content) if as_json else console.show_gradients(content)
