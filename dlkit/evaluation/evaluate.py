"""Evaluate a run on a split and check its contract."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dlkit.data.fingerprint import record_fingerprint
from dlkit.evaluation.band import band
from dlkit.evaluation.elsewhere import evaluate_other, is_data_of_run, moved_model
from dlkit.evaluation.report import write_report
from dlkit.evaluation.request import EvaluationRequest
from dlkit.evaluation.tiling import Tiles
from dlkit.model.splits import read_split
from dlkit.model.trained import TrainedModel, open_run
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
    """Measure the run of a resolved request and check the contract, which applies only to its own split."""
    trained = open_run(run, request.checkpoint)
    recipe = trained.loaded.recipe
    split = request.split or recipe.expect.split
    tiles = Tiles(request.tile, request.overlap) if request.tile else None
    if request.data is not None:
        trained = moved_model(trained, request.data)
        if not is_data_of_run(trained, split):
            found, examples, metrics = evaluate_other(trained, request.split, request.data, tiles, note)
            return Evaluation(run, recipe.name, found, request.checkpoint, metrics, [], None, request.data, examples)
    metrics = evaluate(trained, split, tiles, note)
    overridden = is_overridden(run.read_json("environment.json").get("overrides", []))
    verdicts = check_metrics(recipe.expect, metrics, overridden) if split == recipe.expect.split else []
    lies = band(run, trained.loaded, split, metrics) if request.checkpoint == "last" else None
    return Evaluation(run, recipe.name, split, request.checkpoint, metrics, verdicts, lies)


def evaluate(
    trained: TrainedModel, split: str, tiles: Tiles | None = None, note: Callable[[str], None] = lambda _: None
) -> dict[str, float]:
    """Measure a run's model on one split; write loss, metrics, tables and figures into the run.

    note: receives a warning for each figure that cannot be drawn.

    With tiles, images of a pixel task go through the network tile by tile, whatever their size. Raises InputError
    while another process is using the run.
    """
    data = read_split(trained, split)
    with trained.run.locked():
        record_fingerprint(trained.run, split, data)
        found = write_report(trained.run, trained.built, trained.loaded.recipe, data, split, tiles)
        content = trained.run.read_json("metrics.json")
        content.setdefault("evaluation", {})[split] = {"checkpoint": trained.checkpoint, "metrics": found.metrics}
        if tiles is not None:
            content["evaluation"][split]["tiles"] = asdict(tiles)
        trained.run.write_json("metrics.json", content)
        write_figures(trained.run, found.figures, f"{split}, {trained.checkpoint} epoch", note)
    return found.metrics
