"""Predictions for files and folders of images, or for the rows of an .npz, by a run's model."""

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import tensorflow as tf

from dlkit.datasets.image_folder import SUFFIXES
from dlkit.errors import InputError, MissingError
from dlkit.exporters._exporter import takes_images
from dlkit.images import read_image
from dlkit.safety.arrays import check_arrays
from dlkit.safety.files import UnreadableError, check_links
from dlkit.trained_model import TrainedModel

BATCH = 64


def predict(trained: TrainedModel, inputs: list[Path]) -> list[dict[str, Any]]:
    """One mapping per input in order: `input` (file, or file and row), then what the task says of it."""
    named = named_examples(trained, inputs)
    run = tf.function(trained.built.predict, reduce_retracing=True)
    results = []
    for start in range(0, len(named), BATCH):
        part = named[start : start + BATCH]
        outputs = {name: np.asarray(value) for name, value in run(tf.constant(np.stack([x for _, x in part]))).items()}
        for row, (name, _) in enumerate(part):
            one = {key: value[row] for key, value in outputs.items()}
            results.append({"input": name} | trained.built.task.describe_prediction(one, trained.built.class_names))
    return results


def named_examples(trained: TrainedModel, inputs: list[Path]) -> list[tuple[str, np.ndarray]]:
    """The resized examples in files and folders, each with its file, or file and row."""
    return [item for path in inputs for item in _examples(trained, path)]


def _examples(trained: TrainedModel, path: Path) -> list[tuple[str, np.ndarray]]:
    """The named, resized examples in one file or folder."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
        if not files:
            raise MissingError(f"no images in {path}", f"files with {', '.join(sorted(SUFFIXES))} are read")
        check_links(path, files)
        return [_image(trained, file) for file in files]
    if not path.exists():
        raise MissingError(f"no such file or folder: {path}", "give images, folders of images or an .npz file")
    return _rows(trained, path) if path.suffix == ".npz" else [_image(trained, path)]


def _image(trained: TrainedModel, path: Path) -> tuple[str, np.ndarray]:
    spec = trained.built.raw_spec
    if not takes_images(spec):
        raise InputError(
            f"{path}: this model takes {spec.dtype} of shape {list(spec.shape)}, not images",
            "give an .npz with an array x of that shape",
        )
    pixels = read_image(path, spec.shape[-1] or 3)
    return str(path), _resized(trained, pixels[np.newaxis], str(path))[0]


def _rows(trained: TrainedModel, path: Path) -> list[tuple[str, np.ndarray]]:
    try:
        check_arrays(path)
        with np.load(path, allow_pickle=False) as archive:
            if "x" not in archive.files:
                raise InputError(f"{path} has no array x", f"it holds: {', '.join(archive.files) or 'nothing'}")
            rows = archive["x"]
    except (UnreadableError, OSError, ValueError, AttributeError, BadZipFile) as error:
        raise InputError(f"{path} is no readable .npz file: {error}", "write it with numpy.savez(x=...)") from error
    spec = trained.built.raw_spec
    if rows.dtype != spec.dtype:
        if not np.can_cast(rows.dtype, spec.dtype, "same_kind"):
            raise InputError(f"{path}: x is {rows.dtype}, this model takes {spec.dtype}", "convert it first")
        rows = rows.astype(spec.dtype)
    return [(f"{path}[{index}]", row) for index, row in enumerate(_resized(trained, rows, str(path)))]


def _resized(trained: TrainedModel, examples: np.ndarray, name: str) -> np.ndarray:
    """Raw examples (n, ...) resized as in training; InputError when their shape is not the model's."""
    spec = trained.built.raw_spec
    shape = examples.shape[1:]
    fits = len(shape) == len(spec.shape) and all(w in (None, s) for w, s in zip(spec.shape, shape, strict=True))
    if not fits:
        wanted = [size if size is not None else "any" for size in spec.shape]
        raise InputError(
            f"{name} has the shape {list(shape)}, this model takes {wanted}",
            "resize it first, or train with data.resize",
        )
    return trained.built.resize(examples) if trained.built.resize else examples
