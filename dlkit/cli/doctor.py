"""dlkit doctor: check whether this machine is ready for dlkit, and what to fix."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from dlkit.cli._options import DataDir, Json, Offline, RunsDir, apply_data_options

if TYPE_CHECKING:
    from dlkit.doctor.checks import Finding
    from dlkit.doctor.needs import RecipeNeeds


def doctor(runs_dir: RunsDir = None, data_dir: DataDir = None, offline: Offline = False, as_json: Json = False) -> None:
    """Check versions, processor, memory, disk, devices and what recipes need; train and export; say what to fix."""
    from dlkit import console
    from dlkit.doctor.checks import findings, has_problem
    from dlkit.errors import ExitCode
    from dlkit.process import runs_root

    apply_data_options(data_dir, offline)
    found: list[Finding] = []
    needs: list[RecipeNeeds] = []
    for finding in findings(runs_root(runs_dir), offline, lambda: _started(needs, offline)):
        found.append(finding)
        if not as_json:
            console.show_finding(finding)
    if as_json:
        findings_json = [asdict(item) for item in found]
        recipes = [item.to_json() for item in needs]
        console.print_json({"healthy": not has_problem(found), "findings": findings_json, "recipes": recipes})
    if has_problem(found):
        raise typer.Exit(ExitCode.MISSING)


def _started(needs: "list[RecipeNeeds]", offline: bool) -> "Iterator[Finding]":
    """Yield what can be said once TensorFlow has started, and collect the recipes' needs."""
    from dlkit import console
    from dlkit.doctor.checks import check_devices, check_needs
    from dlkit.doctor.needs import recipe_needs
    from dlkit.machine.tensorflow import accelerators, start_tensorflow

    with console.waiting("starting TensorFlow"):
        start_tensorflow()
    yield check_devices(*accelerators())
    with console.waiting("looking for what the recipes need"):
        needs += recipe_needs(weights=True)
    yield from check_needs(needs, offline)
    yield _trial()


def _trial() -> "Finding":
    from dlkit import console
    from dlkit.doctor.trial import trial

    with console.waiting("training and exporting for a few seconds"):
        return trial()
