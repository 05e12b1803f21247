"""dlkit pca: principal components of inputs or codes."""

from typing import TYPE_CHECKING, Annotated, Any

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
    is_given,
)

if TYPE_CHECKING:
    from pathlib import Path

    from dlkit.experiments.pca import Rows
    from dlkit.runs.directory import RunDirectory


def pca(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="RECIPE|RUN", help="A recipe, or with --codes a run.")],
    codes: Annotated[
        bool, typer.Option("--codes", help="Of the codes of an autoencoder's run, not of inputs.")
    ] = False,
    dimensions: Annotated[int, typer.Option("--dimensions", min=2, help="Components of linear PCA to compute.")] = 20,
    gamma: Annotated[
        float | None,
        typer.Option("--gamma", min=1e-12, help="Of the kernel exp(-gamma |a - b|^2) [default: by the variance]."),
    ] = None,
    examples: Annotated[int, typer.Option("--examples", min=2, max=20_000, help="Examples of train, drawn.")] = 1000,
    checkpoint: Checkpoint = "last",
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Project inputs or codes onto their principal components, linearly and with a kernel, and say what they explain.

    Examples: dlkit pca circles_mlp --gamma 10, dlkit pca digits_mlp, dlkit pca ae_simple --codes
    """
    from dlkit import console
    from dlkit.errors import InputError
    from dlkit.process import runs_root

    apply_data_options(data_dir, offline)
    check_choice("--checkpoint", checkpoint, CHECKPOINTS)
    if is_given(context, "checkpoint") and not codes:
        raise InputError(
            "--checkpoint is of --codes: inputs do not depend on a network", "leave it out, or add --codes"
        )
    root = runs_root(runs_dir)
    folder, read = (_codes if codes else _inputs)(subject, root, checkpoint, examples)

    from dlkit.machine.tensorflow import start_tensorflow

    with console.waiting("projecting"):
        start_tensorflow()
        from dlkit.experiments.pca import analyse, write_analysis
        from dlkit.figures.pca import pca_figure
        from dlkit.runs.figures import write_figures

        rows = read()
        content, planes = analyse(rows, dimensions, gamma)
        write_analysis(folder, content, planes)
    drawn = {"pca": lambda: pca_figure(content, planes, rows.classes, rows.class_names)}
    write_figures(folder, drawn, "train", console.note)
    content = {"subject": subject, "folder": str(folder.path)} | content
    console.print_json(content) if as_json else console.show_pca(content)


def _inputs(reference: str, root: "Path", checkpoint: str, count: int) -> tuple["RunDirectory", Any]:
    """Return the folder of a recipe's results, and a function that reads the rows of its inputs."""
    from dlkit.recipe import load_recipe
    from dlkit.runs.directory import RunDirectory

    loaded = load_recipe(reference)

    def read() -> "Rows":
        from dlkit.catalog.create import create_at
        from dlkit.data.source import describe, present_dataset
        from dlkit.data.splits import check_finite, load_splits
        from dlkit.errors import DlkitError, located
        from dlkit.experiments.pca import rows_of

        recipe = loaded.recipe
        dataset = present_dataset(recipe)
        names = describe(recipe, dataset).class_names
        try:
            train = load_splits(recipe.data, dataset, create_at(recipe.task).stratified).train.drawn(count)
        except DlkitError as error:
            raise located(error, recipe.data.source.location) from error
        check_finite(train, "train")
        return rows_of(train, train.inputs, names, "inputs")

    return RunDirectory(root / loaded.recipe.name / "pca"), read


def _codes(reference: str, root: "Path", checkpoint: str, count: int) -> tuple["RunDirectory", Any]:
    """Return the folder of a run, and a function that reads the rows of its codes."""
    from dlkit.runs.find import find_trained

    run = find_trained(reference, root, checkpoint)

    def read() -> "Rows":
        from dlkit.evaluation.encode import codes_of
        from dlkit.experiments.pca import rows_of
        from dlkit.model.splits import read_split
        from dlkit.model.trained import open_run

        trained = open_run(run, checkpoint)
        train = read_split(trained, "train").drawn(count)
        return rows_of(train, codes_of(trained, train.inputs), trained.built.description.class_names, "codes")

    return run, read
