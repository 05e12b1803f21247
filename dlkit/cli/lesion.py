"""dlkit lesion: take parts out of trained networks and measure what is lost."""

from typing import Annotated

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


def lesion(
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="Runs; those of several are drawn in one figure.")
    ] = None,
    examples: Annotated[
        int, typer.Option("--examples", min=1, help="Examples of validation to measure on, drawn.")
    ] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The seed of all draws.")] = 0,
    checkpoint: Checkpoint = "last",
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Measure networks without each residual block, or without each layer if they have none.

    Run the same command again to continue. Example: dlkit lesion resnet20 plain20
    """
    from dlkit.process import runs_root
    from dlkit.runs.find import find_trained

    apply_data_options(data_dir, offline)
    check_choice("--checkpoint", checkpoint, CHECKPOINTS)
    root = runs_root(runs_dir)
    references: list[str | None] = [*runs] if runs else [None]
    found = [find_trained(reference, root, checkpoint) for reference in references]

    from dlkit import console
    from dlkit.cli._options import note_passed_over
    from dlkit.machine.tensorflow import start_tensorflow

    for run, reference in zip(found, references, strict=True):
        note_passed_over(run, reference, root)
    with console.waiting("taking parts out"):
        start_tensorflow()
        from dlkit.experiments.lesion import measure_lesions
        from dlkit.model.trained import open_run

        results = []
        for run in found:
            with run.locked():
                results.append(measure_lesions(open_run(run, checkpoint), examples, seed, console.note_lesion))
    from dlkit.figures.lesion import lesion_figure, paths_figure
    from dlkit.runs.figures import write_figures

    for run, result in zip(found, results, strict=True):
        drawn = {"lesion": lambda: lesion_figure(results)}
        if "paths" in result:
            drawn["paths"] = lambda result=result: paths_figure(result)  # type: ignore[misc]
        write_figures(run, drawn, f"{result['settings']['examples']} examples", console.note)
    console.print_json({"runs": results}) if as_json else console.show_lesions(results)
