"""Measure the gradients of several recipes or settings, each in a process of its own; what is done is kept.

One alone is measured in this process, which is what the others' processes do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlkit.errors import CheckError
from dlkit.experiments.children import json_of_child, termination_as_interrupt
from dlkit.files.cache import digest
from dlkit.recipe import LoadedRecipe
from dlkit.recipe.places import last_change, with_absolute_places
from dlkit.recipe.space import settings_of
from dlkit.runs.directory import RunDirectory

FOLDER = "gradients"


@dataclass(frozen=True)
class Subject:
    """A recipe with settings, and the words that name it beside others."""

    loaded: LoadedRecipe
    parameters: dict[str, Any]

    def file(self, root: Path, first: int, updates: int) -> tuple[RunDirectory, str]:
        """Return the folder and the name of the file of its gradients, another one for other data."""
        here = with_absolute_places(self.loaded)
        key = digest([here.plain, last_change(here), first, updates])
        return RunDirectory(root / self.loaded.recipe.name / FOLDER), f"{key}.json"


def measure_gradients(
    subjects: Sequence[Subject],
    root: Path,
    first: int,
    updates: int,
    alone: Callable[[LoadedRecipe], dict[str, Any]],
    done: Callable[[dict[str, Any]], None],
) -> list[dict[str, Any]]:
    """Return the gradients of every subject; measure those that are missing, each in a child if there are several.

    alone: measures one recipe in this process. done: receives every result. Raises CheckError for a child that fails.
    """
    found = []
    with termination_as_interrupt():
        for subject in subjects:
            folder, name = subject.file(root, first, updates)
            content = folder.read_json(name)
            if not content:
                measured = alone(subject.loaded) if len(subjects) == 1 else _of_child(subject, root, first, updates)
                content = measured
                folder.write_json(name, content)
            head = {"recipe": subject.loaded.recipe.name, "parameters": subject.parameters}
            found.append(head | content)
            done(found[-1])
    return found


def _of_child(subject: Subject, root: Path, first: int, updates: int) -> dict[str, Any]:
    settings = [word for text in subject.loaded.overrides for word in ("--set", text)]
    words = ["gradients", str(subject.loaded.path), *settings, "--runs-dir", str(root)]
    result = json_of_child([*words, "--first", str(first), "--updates", str(updates)])
    if isinstance(result, str) or "measurements" not in result:
        reason = result if isinstance(result, str) else result.get("message", "failed")
        name = ", ".join([subject.loaded.recipe.name, *settings_of(subject.parameters)])
        raise CheckError(f"{name}: {reason}", "what is done is kept; the same command continues")
    return {key: value for key, value in result["measurements"][0].items() if key not in ("recipe", "parameters")}
