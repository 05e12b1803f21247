"""dlkit demo: train, evaluate and export on real digits, in a minute, without any download."""

from dlkit.cli._options import RunsDir

RECIPE = "digits_mlp"


def demo(runs_dir: RunsDir = None) -> None:
    """Train, evaluate and export digits_mlp on the digits that come with scikit-learn."""
    from dlkit import console
    from dlkit.cli.evaluate import evaluate
    from dlkit.cli.export import export
    from dlkit.cli.train import train
    from dlkit.process import runs_root
    from dlkit.runs.find import find_run

    console.note(f"1. dlkit train {RECIPE}")
    train(RECIPE, runs_dir=runs_dir)
    run = find_run(RECIPE, runs_root(runs_dir))
    console.note("")
    console.note("2. dlkit evaluate")
    evaluate(str(run.path), runs_dir=runs_dir)
    console.note("")
    console.note("3. dlkit export")
    export(str(run.path), runs_dir=runs_dir)
    console.show_demo(run)
