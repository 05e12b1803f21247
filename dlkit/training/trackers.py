"""Create a recipe's trackers, and keep a training safe from them: one that fails is left out, with one warning."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.catalog.create import Component, create
from dlkit.errors import DlkitError
from dlkit.interfaces.reporter import Outcome, Reporter
from dlkit.interfaces.tracker import Setting, TrackedRun
from dlkit.machine.interruption import Interrupted
from dlkit.process import offline
from dlkit.safety.files import first_line

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe

FOLDER = "trackers"
_TRACKED = ("task", "data", "model", "training")


def trackers(loaded: "LoadedRecipe", note: Callable[[str], None]) -> list[Reporter]:
    """Return the recipe's trackers, which begin when the training starts."""
    settings = flat({key: loaded.plain[key] for key in _TRACKED})
    return [_Guarded(component, loaded.recipe.name, settings, note) for component in loaded.recipe.training.trackers]


@contextmanager
def ended(reporter: Reporter) -> Iterator[None]:
    """Tell a reporter how the training ended."""
    try:
        yield
    except (Interrupted, KeyboardInterrupt):
        reporter.end("interrupted")
        raise
    except BaseException:
        reporter.end("failed")
        raise
    reporter.end("finished")


def flat(value: Any, key: str = "") -> dict[str, Setting]:
    """Return plain data as values by dotted key; a list of plain values is one value, as JSON."""
    if isinstance(value, Mapping):
        return {k: v for name, item in value.items() for k, v in flat(item, f"{key}.{name}".lstrip(".")).items()}
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return flat(dict(enumerate(value)), key)
    return {key: json.dumps(value) if isinstance(value, list) else value}


class _Guarded(Reporter):
    """A tracker that begins with the training, and whose first exception ends it with a warning."""

    def __init__(
        self, component: Component, recipe: str, settings: Mapping[str, Setting], note: Callable[[str], None]
    ) -> None:
        self._component, self._recipe, self._settings, self._note = component, recipe, settings, note
        self._tracker: Reporter | None = None

    def start(self, run: Path, history: Sequence[Mapping[str, Any]]) -> None:
        """Create the tracker, and record the epochs of the history that it lacks."""
        with self._guarded():
            folder = run.absolute() / FOLDER / self._component.name
            folder.mkdir(parents=True, exist_ok=True)
            told = TrackedRun(self._recipe, run.name, folder, self._settings, offline())
            self._tracker = create(self._component, told)
            self._tracker.start(run, history)
            for row in history:
                self._tracker.epoch_done(row["epoch"], row)

    def note(self, text: str) -> None:
        """Forward a message."""
        self._forward("note", text)

    def begin(self, epoch: int, steps_done: int, steps: int) -> None:
        """Forward the start of an epoch."""
        self._forward("begin", epoch, steps_done, steps)

    def progress(self, epoch: int, steps_done: int, steps: int, logs: Mapping[str, float]) -> None:
        """Forward the number of steps done."""
        self._forward("progress", epoch, steps_done, steps, logs)

    def epoch_done(self, epoch: int, row: Mapping[str, float]) -> None:
        """Forward the end of an epoch."""
        self._forward("epoch_done", epoch, dict(row))

    def end(self, outcome: Outcome) -> None:
        """Forward the end of the training."""
        self._forward("end", outcome)

    def _forward(self, method: str, *arguments: Any) -> None:
        if self._tracker is not None:
            with self._guarded():
                getattr(self._tracker, method)(*arguments)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Leave the tracker out after an exception; packages that trackers use raise any, SystemExit too."""
        try:
            yield
        except (Exception, SystemExit) as error:
            self._tracker = None
            reason = first_line(error) if isinstance(error, Exception) else "it exits"
            if isinstance(error, DlkitError):
                reason = error.problems[0].message
            name = self._component.name
            self._note(f"warning: the tracker {name} failed and records no more; the training goes on: {reason}")
