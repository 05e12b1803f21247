"""dlkit shrink: find the smallest artefact of a run within a budget."""

from typing import Annotated

import typer

from dlkit.cli._options import Json, Offline, Run, RunsDir, Threads, apply_data_options


def shrink(
    run: Run = None,
    budget: Annotated[
        list[str] | None,
        typer.Option("--budget", metavar="LIMIT", help="size=60KB, latency=2ms or loss=0.002; repeatable."),
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", help="A format to try; repeatable [default: onnx, openvino and those of LiteRT]."),
    ] = None,
    widths: Annotated[
        list[float] | None,
        typer.Option("--width", help="A share of filters and units to try; repeatable [default: 1, 0.5 and 0.25]."),
    ] = None,
    teacher: Annotated[
        float, typer.Option("--teacher", min=0, max=1, help="Weight of the run in the targets of narrower networks.")
    ] = 0.5,
    examples: Annotated[
        int | None, typer.Option("--examples", min=1, help="Compare N examples of validation [default: all].")
    ] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=0, help="Rounds of the latency's measurement; 0: none.")] = 7,
    test: Annotated[bool, typer.Option("--test", help="Also measure run and choice on test.")] = False,
    runs_dir: RunsDir = None,
    offline: Offline = False,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Find the smallest artefact of a run within a budget: by format, precision, and narrower networks that it teaches.

    Every candidate is certified, and compared with the run on validation; the table of all is kept beside the run. Run
    the same command again to continue. Example: dlkit shrink mnist_cnn --budget size=90KB --budget loss=0.002
    """
    from dlkit import console
    from dlkit.experiments.budget import parse_budget
    from dlkit.experiments.shrink import Shrink, check_widths, default_formats
    from dlkit.export.request import check_format_names
    from dlkit.process import runs_root, set_conditions
    from dlkit.runs.find import find_trained

    apply_data_options(None, offline)
    set_conditions(threads=threads)
    limits, root = parse_budget(budget or ()), runs_root(runs_dir)
    chosen = check_format_names(formats or []) or default_formats()
    found = find_trained(run, root, "last")
    tried = check_widths(widths or [1, 0.5, 0.25])
    work = Shrink(found, limits, chosen, tried, teacher, examples, rounds, test)
    runs = work.train(console.note)

    from dlkit.machine.tensorflow import start_tensorflow

    start_tensorflow()
    from dlkit.experiments.candidates import compare_candidates

    result = compare_candidates(work, runs, console.note)
    if as_json:
        console.print_json(result)
    else:
        console.show_shrink(result)
    if result["chosen"] is None:
        raise typer.Exit(1)
