"""Show the progress of a training."""

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import psutil
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from dlkit.console._primitives import console_on, duration, filled, metric_texts, note
from dlkit.formatting import byte_size, printable
from dlkit.interfaces.reporter import Reporter

if TYPE_CHECKING:
    from dlkit.recipe.schema import Recipe


BAR = 10
FORECAST_SECONDS, FORECAST_SHARE = 2.0, 0.1
NOTABLE_SECONDS, NOTABLE_SHARE = 60, 0.25


class TrainingProgress(Reporter):
    """Shows progress on stderr: on a terminal a bar with speed, time left and metrics, elsewhere one line per epoch."""

    def __init__(self, recipe: "Recipe") -> None:
        self._epochs = sum(phase.epochs for phase in recipe.resolved_phases())
        self._batch_size = recipe.training.batch_size
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._started: tuple[float, int] = (0.0, 0)
        self._warm: tuple[float, int] | None = None
        self._foreseen: float | None = None

    def __enter__(self) -> "TrainingProgress":
        if sys.stderr.isatty():
            texts = ("total", "{task.percentage:.0f} %", "{task.description}", "{task.fields[logs]}")
            first, *others = (TextColumn(text, markup=False) for text in texts)
            columns = (first, BarColumn(bar_width=BAR), others[0], TimeRemainingColumn(compact=True), *others[1:])
            self._bar = Progress(*columns, console=console_on("stderr"))
            self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def note(self, text: str) -> None:
        """Print a message on stderr."""
        self._print(text)

    def begin(self, epoch: int, steps_done: int, steps: int) -> None:
        """Show that an epoch (counted from 0) begins, or continues after `steps_done` of its steps."""
        self._started = (time.perf_counter(), steps_done)
        if self._bar is None:
            return
        if self._task is None:
            self._task = self._bar.add_task("", total=steps * self._epochs, logs="")
        self._bar.update(self._task, completed=epoch * steps + steps_done, description=f"epoch {epoch}")

    def progress(self, epoch: int, steps_done: int, steps: int, logs: Mapping[str, float]) -> None:
        """Show how many steps of an epoch are done."""
        self._foresee(epoch * steps + steps_done, steps)
        if self._bar is None or self._task is None:
            return
        begun, first = self._started
        speed = (steps_done - first) * self._batch_size / max(time.perf_counter() - begun, 1e-9)
        room = self._bar.console.width - len(f"total {'-' * BAR} 100 % 00:00:00 epoch {epoch} ")
        text = filled([f"{speed:,.0f}/s", *map(printable, metric_texts(logs))], room).split("\n")[0]
        self._bar.update(self._task, completed=epoch * steps + steps_done, logs=text if len(text) <= room else "")

    def _place(self, epoch: int) -> str:
        """Return the number of an epoch as in history.csv, counted from 0, and which of all epochs it is."""
        return f"epoch {epoch}/{self._epochs}"

    def _foresee(self, steps_done: int, steps: int) -> None:
        """Print a forecast once, from the steps after the first call: the time of one epoch and of the training.

        A training that is short, or well under way, needs none.
        """
        now = time.perf_counter()
        if self._warm is None:
            self._warm = (now, steps_done)
        begun, first = self._warm
        early = steps_done - first <= FORECAST_SHARE * (steps * self._epochs - first)
        if self._foreseen is not None or now - begun < FORECAST_SECONDS or not early:
            return
        self._foreseen = (now - begun) / (steps_done - first) * steps
        memory = psutil.Process().memory_info().rss
        whole = duration(self._foreseen * self._epochs)
        self._print(
            f"forecast: {duration(self._foreseen)} per epoch, at most {whole} in total; {byte_size(memory)} of memory"
        )

    def _foresee_rest(self, epoch: float, left: int) -> None:
        """Print a new forecast when an epoch shows that the remaining time differs notably from the last one."""
        if self._foreseen is None:
            return
        before, now = self._foreseen * left, epoch * left
        if abs(now - before) > max(NOTABLE_SECONDS, NOTABLE_SHARE * before):
            self._foreseen = epoch
            self._print(f"new forecast: {duration(epoch)} per epoch, {duration(now)} left")

    def _print(self, text: str) -> None:
        self._print_parts([text])

    def _print_parts(self, parts: list[str]) -> None:
        """Print one line, or on a narrow terminal several."""
        shown = list(map(printable, parts))
        if self._bar is not None:
            self._bar.console.print(filled(shown, self._bar.console.width))
        else:
            note(filled(shown, None))

    def epoch_done(self, epoch: int, row: Mapping[str, float]) -> None:
        """Print an epoch's metrics in one line, and a new forecast where its time calls for one."""
        hidden = ("epoch", "phase", "seconds", "learning_rate")
        logs = {name: value for name, value in row.items() if not name.startswith(hidden)}
        self._print_parts([self._place(epoch), *metric_texts(logs), f"{row['seconds']:.1f} s"])
        self._foresee_rest(row["seconds"], self._epochs - epoch - 1)
