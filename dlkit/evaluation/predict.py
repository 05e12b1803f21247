"""Predict files, folders of files, or the rows of tables and arrays, with a run's model."""

from functools import partial
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.errors import InputError
from dlkit.evaluation.inputs import named_examples
from dlkit.evaluation.tiling import Tiles, tiled
from dlkit.files.atomic import write_file
from dlkit.interfaces.ragged import as_batch
from dlkit.model.trained import TrainedModel

BATCH = 64


def predict(
    trained: TrainedModel, inputs: list[Path], tiles: Tiles | None = None, output: Path | None = None
) -> list[dict[str, Any]]:
    """Return one mapping per input, in order: `input` (file, or file and row), then the task's prediction.

    A task whose outputs are pixels takes images of any size, in tiles when a tile size is given. output: a folder for
    the pictures of a task that predicts some, such as masks; their paths are in `picture`.
    """
    if trained.built.task.moves_targets:
        return _predict_pixels(trained, inputs, tiles or Tiles(), output)
    if tiles is not None or output is not None:
        raise InputError("--tile and --output need a task that predicts a class for every pixel", "remove them")
    run = tf.function(trained.built.predict, reduce_retracing=True, autograph=False)
    results = []
    named = named_examples(trained.built, inputs)
    while part := list(islice(named, BATCH)):
        answer = run(tf.constant(as_batch([example for _, example in part], trained.built.raw_spec.is_sequence)))
        outputs = {name: np.asarray(value) for name, value in answer.items()}
        for row, (name, _) in enumerate(part):
            one = {key: value[row] for key, value in outputs.items()}
            results.append({"input": name} | trained.built.task.describe_prediction(one, trained.built.class_names))
    return results


def _predict_pixels(
    trained: TrainedModel, inputs: list[Path], tiles: Tiles, output: Path | None
) -> list[dict[str, Any]]:
    """Predict one image at a time, each at its own size."""
    built = trained.built
    results: list[dict[str, Any]] = []
    network = tiled(built, tiles)
    for name, pixels in named_examples(trained.built, inputs):
        answer = built.outputs(network(pixels)[np.newaxis])
        one = {key: np.asarray(value)[0] for key, value in answer.items()}
        result = {"input": name} | built.task.describe_prediction(one, built.class_names)
        if output is not None:
            taken = [Path(earlier["picture"]).name for earlier in results]
            path = _free(output, Path(name).stem, taken)
            write_file(path, partial(_save_picture, built.task.picture(one, built.class_names)))
            result["picture"] = str(path)
        results.append(result)
    return results


def _save_picture(picture: Any, path: Path) -> None:
    picture.save(path)


def _free(folder: Path, stem: str, taken: list[str]) -> Path:
    """Return a path that no other input of this call has taken."""
    names = chain([f"{stem}.png"], (f"{stem}_{number}.png" for number in count(2)))
    return folder / next(name for name in names if name not in taken)


def prediction_rows(trained: TrainedModel, results: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return the rows of a table of predictions: the input, the task's columns, and the path of a picture."""
    return [
        {"input": result["input"]}
        | trained.built.task.prediction_columns(result)
        | ({"picture": result["picture"]} if "picture" in result else {})
        for result in results
    ]
