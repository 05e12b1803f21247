"""Write the description of a run before its training starts, and say how its history is drawn."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.data.fingerprint import record_fingerprint
from dlkit.figures.curves import curves_figure
from dlkit.files.atomic import write_file, write_text
from dlkit.interfaces.data import Split
from dlkit.machine.environment import environment
from dlkit.model.digest import weights_digest
from dlkit.model.vocabulary import write_vocabularies
from dlkit.recipe import resolved_yaml
from dlkit.recipe.places import with_absolute_places
from dlkit.runs.directory import RunDirectory
from dlkit.runs.find import next_start
from dlkit.runs.parents import keep_source
from dlkit.training.prepare import Prepared

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe


SAMPLES, SAMPLE_BYTES = 64, 4_000_000


def describe_run(
    run: RunDirectory, loaded: "LoadedRecipe", prepared: Prepared, start_from: RunDirectory | None = None
) -> None:
    """Write recipe, environment, data description, preprocessing and samples into a run before it starts."""
    built, splits = prepared.built, prepared.splits
    write_text(run.path / "recipe.yaml", loaded.text)
    write_text(run.resolved_recipe, resolved_yaml(with_absolute_places(loaded)))
    content = environment(loaded.recipe.training.seed) | {
        "started": next_start(run.path.parent.parent),
        "overrides": list(loaded.overrides),
        "initial_weights": weights_digest(built.network.variables),
        "from": start_from and str(start_from.path.resolve()),
    }
    run.write_json("environment.json", content)
    files = [str(path) for path in prepared.left_out]
    described = {"description": asdict(built.description), "left_out": files, "class_counts": prepared.class_counts}
    run.write_json("data.json", described)
    for name, split in splits.named().items():
        record_fingerprint(run, name, split)
    keep_source(loaded.recipe, run.path)
    write_file(run.path / "preprocess.keras", built.preprocess.save)
    write_vocabularies(built.preprocess, run.path)
    samples = _samples(splits.validation or splits.train)
    write_file(run.path / "samples.npz", lambda aside: np.savez(aside, inputs=samples))


def _samples(split: Split) -> np.ndarray:
    """Return examples for export certificates, evenly spread over a split: at most SAMPLES, in about SAMPLE_BYTES."""
    count = int(min(len(split), SAMPLES, max(2, SAMPLE_BYTES // max(1, split.inputs[:1].nbytes))))
    samples: np.ndarray = split.inputs[np.linspace(0, len(split) - 1, count).astype(int)]
    return samples


def curves(history: list[dict[str, Any]]) -> dict[str, Callable[[], Any]]:
    """Return what draws the curve of every training metric, together with its validation curve, by name."""
    columns = {name: [row[name] for row in history] for name in history[0]}
    skipped = {"epoch", "phase", "seconds"}
    names = (name for name in columns if not name.startswith(("val_", "learning_rate")))
    return {name: partial(curves_figure, name, columns) for name in names if name not in skipped}
