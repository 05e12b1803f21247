"""Progress of a training."""

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from dlkit.console._primitives import console_on, metrics_text

if TYPE_CHECKING:
    from dlkit.recipe.schema import Recipe


class TrainingProgress:
    """Progress of a training: a bar with speed, time left and metrics on a terminal, else one plain line per epoch."""

    def __init__(self, recipe: "Recipe", stream: str = "stderr") -> None:
        """Progress goes to `stream`: stdout, or stderr where stdout holds JSON alone."""
        self._stream = stream
        self._epochs = sum(phase.epochs for phase in recipe.training.resolved_phases())
        self._batch_size = recipe.training.batch_size
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._started: tuple[float, int] = (0.0, 0)

    def __enter__(self) -> "TrainingProgress":
        if getattr(sys, self._stream).isatty():
            columns = (TextColumn("{task.description}"), BarColumn(bar_width=16), TimeRemainingColumn(compact=True))
            self._bar = Progress(*columns, TextColumn("{task.fields[logs]}"), console=console_on(self._stream))
            self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, epoch: int, steps_done: int, steps: int) -> None:
        """An epoch (counted from 0) begins, or goes on after `steps_done` of its steps."""
        self._started = (time.perf_counter(), steps_done)
        if self._bar is None:
            return
        if self._task is None:
            self._task = self._bar.add_task("", total=steps * self._epochs, logs="")
        label = f"epoch {epoch + 1}/{self._epochs}"
        self._bar.update(self._task, completed=epoch * steps + steps_done, description=label)

    def progress(self, epoch: int, steps_done: int, steps: int, logs: Mapping[str, float]) -> None:
        """Some steps of an epoch are done."""
        if self._bar is None or self._task is None:
            return
        begun, first = self._started
        speed = (steps_done - first) * self._batch_size / max(time.perf_counter() - begun, 1e-9)
        text = f"{speed:,.0f}/s  {metrics_text(logs)}"
        self._bar.update(self._task, completed=epoch * steps + steps_done, logs=text)

    def epoch_done(self, epoch: int, row: Mapping[str, float]) -> None:
        """An epoch is done: one line of its metrics."""
        hidden = ("epoch", "phase", "seconds", "learning_rate")
        logs = {name: value for name, value in row.items() if not name.startswith(hidden)}
        text = f"epoch {epoch + 1}/{self._epochs}  {metrics_text(logs)}  {row['seconds']:.1f} s"
        if self._bar is not None:
            self._bar.console.print(text)
        else:
            print(text, file=getattr(sys, self._stream), flush=True)
