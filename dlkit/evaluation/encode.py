"""Compute codes of files, rows or a split with the encoder of a run's autoencoder."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from dlkit.evaluation.inputs import named_examples
from dlkit.evaluation.predict import BATCH
from dlkit.files.atomic import write_file
from dlkit.model.parts import part_of
from dlkit.model.splits import read_split
from dlkit.model.trained import TrainedModel, open_run
from dlkit.runs.directory import RunDirectory

Shapes = dict[str, list[int]]


def write_codes_of(run: RunDirectory, checkpoint: str, inputs: list[Path], split: str | None, output: Path) -> Shapes:
    """Write the codes of files or of a split to an .npz file; return the shapes of its arrays."""
    trained = open_run(run, checkpoint)
    arrays = encode_split(trained, split) if split else encode(trained, inputs)
    write_codes(output, arrays)
    return {name: list(array.shape) for name, array in arrays.items()}


def encode(trained: TrainedModel, inputs: list[Path]) -> dict[str, np.ndarray]:
    """Return `codes` (n, ...) and `inputs`, the file (or file and row) of each code, in order."""
    named = list(named_examples(trained.built, inputs))
    codes = codes_of(trained, [example for _, example in named])
    return {"codes": codes, "inputs": np.asarray([name for name, _ in named])}


def encode_split(trained: TrainedModel, split: str) -> dict[str, np.ndarray]:
    """Return `codes` (n, ...) and raw `targets` of a split in its own order."""
    data = read_split(trained, split)
    return {"codes": codes_of(trained, data.inputs), "targets": data.targets}


def write_codes(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write the arrays to an .npz file."""
    write_file(path, lambda aside: np.savez(aside, allow_pickle=False, **arrays))


def codes_of(trained: TrainedModel, examples: "np.ndarray | list[np.ndarray]") -> np.ndarray:
    """Return the codes of resized examples, computed in batches."""
    run = tf.function(part_of(trained.built, "encoder").predict, reduce_retracing=True, autograph=False)
    starts = range(0, len(examples), BATCH)
    parts = [np.asarray(run(tf.constant(np.asarray(examples[at : at + BATCH])))["code"]) for at in starts]
    return np.concatenate(parts)
