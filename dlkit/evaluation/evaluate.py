"""Evaluate a run on a split and check its contract."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dlkit.data.fingerprint import record_fingerprint
from dlkit.evaluation.band import band
from dlkit.evaluation.examine import Examiner, examined_by_tiles
from dlkit.evaluation.measurable import Measurable, open_examples
from dlkit.evaluation.report import write_report
from dlkit.evaluation.request import EvaluationRequest
from dlkit.evaluation.tiling import Tiles
from dlkit.evaluation.workers import workers
from dlkit.interfaces.task import Examined
from dlkit.model.splits import read_split
from dlkit.model.trained import TrainedModel
from dlkit.recipe.contract import Verdict, check_metrics, is_overridden
from dlkit.runs.directory import RunDirectory
from dlkit.runs.figures import write_figures


@dataclass(frozen=True)
class Evaluation:
    """A run's metrics on a split, the contract's verdicts, and the band of the recipe's repetitions.

    other_data, examples: the place of the data and its number of examples, if it is not the run's.
    """

    run: RunDirectory
    recipe: str
    split: str
    checkpoint: str
    metrics: dict[str, float]
    verdicts: list[Verdict]
    band: dict[str, Any] | None
    other_data: Path | None = None
    examples: int | None = None

    @property
    def failed(self) -> list[Verdict]:
        """Return the verdicts of the contract that the run does not meet."""
        return [verdict for verdict in self.verdicts if verdict.passed is False]

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form."""
        passed = not self.failed if self.verdicts else None
        contract = {"passed": passed, "differences": [str(verdict) for verdict in self.failed]}
        content: dict[str, Any] = {"run": str(self.run.path), "recipe": self.recipe, "split": self.split}
        content |= {"checkpoint": self.checkpoint, "metrics": self.metrics, "contract": contract}
        if self.other_data is not None:
            content |= {"other_data": str(self.other_data), "examples": self.examples}
        return content | ({"band": self.band} if self.band else {})


def evaluate_run(request: EvaluationRequest, run: RunDirectory, note: Callable[[str], None]) -> Evaluation:
    """Measure the run of a resolved request and check the contract, which applies only to its own data and split."""
    measured = open_examples(run, request.checkpoint, request.split, request.data)
    trained, recipe = measured.trained, measured.trained.loaded.recipe
    tiles = Tiles(request.tile, request.overlap) if request.tile else None
    shared = request.processes > 1
    with _shared(request, measured) if shared else nullcontext(_examined(measured, tiles)) as batches:
        metrics = _evaluate(measured, batches, tiles, note)
    if measured.place is not None:
        examples = len(measured.split)
        return Evaluation(
            run, recipe.name, measured.name, request.checkpoint, metrics, [], None, measured.place, examples
        )
    overridden = is_overridden(run.read_json("environment.json").get("overrides", []))
    judged = measured.name == recipe.expect.split
    verdicts = check_metrics(recipe.expect, metrics, overridden) if judged else []
    lies = band(run, trained.loaded, measured.name, metrics) if request.checkpoint == "last" else None
    return Evaluation(run, recipe.name, measured.name, request.checkpoint, metrics, verdicts, lies)


def evaluate(trained: TrainedModel, split: str, tiles: Tiles | None = None) -> dict[str, float]:
    """Measure a run's model on one split; write loss, metrics, tables and figures into the run.

    With tiles, images of a pixel task go through the network tile by tile, whatever their size. Raises InputError
    while another process is using the run.
    """
    measured = Measurable(trained, split, read_split(trained, split))
    return _evaluate(measured, _examined(measured, tiles), tiles)


def _examined(measured: Measurable, tiles: Tiles | None) -> Iterator[Examined]:
    if tiles is not None:
        return examined_by_tiles(measured.trained.built, measured.split, tiles)
    return _examiner(measured).batches()


def _examiner(measured: Measurable) -> Examiner:
    return Examiner(measured.trained.built, measured.trained.loaded.recipe, measured.split)


@contextmanager
def _shared(request: EvaluationRequest, measured: Measurable) -> Iterator[Iterator[Examined]]:
    """Give the examined batches, which several processes compute."""
    what = (measured.trained.run, request.checkpoint, request.split, request.data)
    with workers(request.processes, partial(_opened, *what)) as pool:
        yield pool.batches(_examiner(measured))


def _opened(*what: Any) -> Examiner:
    return _examiner(open_examples(*what))


def _evaluate(
    measured: Measurable,
    batches: Iterable[Examined],
    tiles: Tiles | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> dict[str, float]:
    """Measure the examples from their batches; write loss, metrics, tables and figures into the run.

    note: receives a warning for each figure that cannot be drawn.
    """
    trained, run, name = measured.trained, measured.trained.run, measured.report
    with run.locked():
        if measured.place is None:
            record_fingerprint(run, name, measured.split)
        report = write_report(run, trained.built, name, batches)
        found: dict[str, Any] = {"checkpoint": trained.checkpoint, "metrics": report.metrics}
        content = run.read_json("metrics.json")
        measured.record(content, found | ({"tiles": asdict(tiles)} if tiles else {}))
        run.write_json("metrics.json", content)
        where = "" if measured.place is None else f" of {measured.place}"
        write_figures(run, report.figures, f"{measured.name}{where}, {trained.checkpoint} epoch", note)
    return report.metrics
