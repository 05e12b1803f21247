"""dlkit diagnose: say what is wrong with a training, from measured signals."""

from dlkit.cli._options import DataDir, Json, Offline, Run, RunsDir, apply_data_options


def diagnose(
    run: Run = None, runs_dir: RunsDir = None, data_dir: DataDir = None, offline: Offline = False, as_json: Json = False
) -> None:
    """Say what is wrong with a run's training, with the evidence and one thing to try; nothing where all is well."""
    from dlkit.process import runs_root
    from dlkit.runs.conditions import restore_left_out
    from dlkit.runs.find import find_run

    apply_data_options(data_dir, offline)
    found = find_run(run, runs_root(runs_dir))
    restore_left_out(found)

    from dlkit import console
    from dlkit.machine.tensorflow import start_tensorflow

    with console.waiting("measuring"):
        start_tensorflow()
        from dlkit.diagnosis import diagnose as diagnosis

        result = diagnosis.diagnose(found)
    if as_json:
        console.print_json(result.to_json())
    else:
        console.show_diagnosis(result.to_json())
