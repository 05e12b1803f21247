"""dlkit doctor: check whether this machine is ready for dlkit, and what to fix."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from dlkit.cli._options import DataDir, Json, Offline, RunsDir, apply_data_options

if TYPE_CHECKING:
    from dlkit.doctor.checks import Finding


def doctor(runs_dir: RunsDir = None, data_dir: DataDir = None, offline: Offline = False, as_json: Json = False) -> None:
    """Check versions, processor, memory, disk and data, train and export for a few seconds, and say what to fix."""
    from dlkit import console
    from dlkit.doctor.checks import findings, has_problem, recipe_data
    from dlkit.errors import ExitCode
    from dlkit.process import runs_root

    apply_data_options(data_dir, offline)
    found = []
    for finding in findings(runs_root(runs_dir), offline, _trial):
        found.append(finding)
        if not as_json:
            console.show_finding(finding)
    if as_json:
        findings_json = [asdict(item) for item in found]
        recipes = [asdict(item) for item in recipe_data()]
        console.print_json({"healthy": not has_problem(found), "findings": findings_json, "recipes": recipes})
    if has_problem(found):
        raise typer.Exit(ExitCode.MISSING)


def _trial() -> "Finding":
    from dlkit import console
    from dlkit.machine.tensorflow import start_tensorflow

    with console.waiting("training and exporting for a few seconds"):
        start_tensorflow()
        from dlkit.doctor.trial import trial

        return trial()
