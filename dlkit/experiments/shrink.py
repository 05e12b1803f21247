"""Find the smallest artefact of a run within a budget: by format, precision, and narrower networks that it teaches.

Narrower networks are trained in processes of their own, with the run as their teacher, in
<runs>/<recipe>/shrink-<run>/.
Every candidate is exported with a certificate and compared with the run on validation; all are kept in
<runs>/<recipe>/shrink-<run>.json. The same call again trains only what is missing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlkit.catalog.find import missing_package, source
from dlkit.errors import InputError
from dlkit.experiments.budget import Budget
from dlkit.experiments.children import termination_as_interrupt
from dlkit.experiments.search import alone_in
from dlkit.experiments.trial import Trial
from dlkit.export.request import ExportRequest
from dlkit.recipe import LoadedRecipe, load_recipe
from dlkit.runs.directory import RunDirectory

SIZES = ("filters", "units")
ROUNDING = 0.01  # of a width that is written as 0.333
FORMATS = ("onnx", "litert", "litert_float16", "litert_int8", "openvino")
DIVISOR = "width_divisor"


@dataclass(frozen=True)
class Shrink:
    """A run to make smaller, what the artefact may take, and what is tried.

    widths: shares of the filters and units of every layer but the last; 1 is the run itself. teacher: the weight of the
    run's probabilities in the targets of narrower networks, 0 for none. test: also measure the choice on test.
    """

    run: RunDirectory
    budget: Budget
    formats: Sequence[str]
    widths: Sequence[float]
    teacher: float
    examples: int | None = None
    rounds: int = 7
    test: bool = False

    @property
    def folder(self) -> Path:
        """Return the folder of the narrower networks' runs."""
        return self.run.path.resolve().parent / f"shrink-{self.run.path.name}"

    def train(self, note: Callable[[str], None]) -> dict[float, Path | str]:
        """Train the narrower networks that are missing; return by width the run, or how its training failed.

        Raises InputError while another process works on the same run.
        """
        lock = alone_in(self.folder, "", "wait for it")
        found: dict[float, Path | str] = {}
        with lock, termination_as_interrupt():
            for width in self.widths:
                note(f"width {width:g} ...")
                found[width] = self.run.path if width == 1 else self._narrow(width)
        return found

    def _narrow(self, width: float) -> Path | str:
        loaded = load_recipe(self.run.resolved_recipe)
        settings = [*narrower(loaded, width), "expect={}"]
        if self.teacher:
            settings.append(f"training.teacher={{run: {str(self.run.path.resolve())!r}, weight: {self.teacher:g}}}")
        folder = self.folder / f"width_{width:g}_teacher_{self.teacher:g}"
        folder.mkdir(parents=True, exist_ok=True)
        outcome = Trial(loaded, settings, folder, "epoch").train(lambda epoch, value: False)
        return outcome if isinstance(outcome, str) else outcome.run

    def request(self, run: Path) -> ExportRequest:
        """Return the request that exports a candidate's run; its latency is measured later, with that of the others."""
        loss = 1.0 if self.budget.loss is None else self.budget.loss
        return ExportRequest(run.parent, str(run), examples=self.examples, allowed_loss=loss, rounds=0)


def default_formats() -> list[str]:
    """Return the installed formats that are made for size and speed."""
    return [name for name in FORMATS if missing_package("exporter", name) is None]


def check_widths(widths: Sequence[float]) -> list[float]:
    """Return the widths without repetitions, 1 first; raise InputError unless all are above 0 and at most 1."""
    for width in widths:
        if not 0 < width <= 1:
            raise InputError(f"--width {width:g} is not a share", "give numbers above 0 and at most 1")
    return list(dict.fromkeys([1.0, *sorted(widths, reverse=True)]))


def narrower(loaded: LoadedRecipe, width: float) -> list[str]:
    """Return the settings that make a network narrower: its filters and units, or else the model's width_divisor.

    The model's last layer keeps its size. Raises InputError for a model without such settings, and for a width that a
    divisor cannot give.
    """
    name = loaded.recipe.model.name
    found = list(_sizes(loaded.plain["model"], "model"))[:-1]
    numbers = [(key, size) for key, size in found if isinstance(size, int)]
    if numbers:
        return [f"{key}={max(1, round(size * width))}" for key, size in numbers]
    if DIVISOR not in source("model", name).parameters:
        message = f"model {name} has no widths to change: no filters or units, and no {DIVISOR}"
        raise InputError(message, "give --width 1")
    before = int(loaded.recipe.model.settings.get(DIVISOR, 1))
    divisor = round(before / width)
    if divisor == before or abs(divisor * width / before - 1) > ROUNDING:
        possible = f"{before / max(divisor, before + 1):.3g}"
        message = f"--width {width:g} is not possible: {name} has a {DIVISOR}, which is a whole number"
        raise InputError(message, f"give --width {possible}, for example")
    return [f"model.{name}.{DIVISOR}={divisor}"]


def _sizes(part: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield the key and value of all filters and units in the order of the recipe; `classes` is such a value too."""
    items = part.items() if isinstance(part, Mapping) else enumerate(part) if isinstance(part, list) else ()
    for key, value in items:
        if key in SIZES:
            yield f"{place}.{key}", value
        else:
            yield from _sizes(value, f"{place}.{key}")
