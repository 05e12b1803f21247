"""Predictions for files and folders of images, or for the rows of an .npz, by a run's model."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from itertools import chain, count, islice
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import tensorflow as tf

from dlkit.atomic import write_file
from dlkit.datasets._dataset import ArraySpec
from dlkit.datasets.image_folder import SUFFIXES, images_below
from dlkit.errors import InputError, MissingError
from dlkit.exporters._exporter import takes_images
from dlkit.images import read_image
from dlkit.safety.arrays import check_arrays
from dlkit.safety.files import UnreadableError, check_links
from dlkit.splits import not_finite
from dlkit.tiling import Tiles, tiled
from dlkit.trained_model import TrainedModel

BATCH, AHEAD = 64, 256


def predict(
    trained: TrainedModel, inputs: list[Path], tiles: Tiles | None = None, output: Path | None = None
) -> list[dict[str, Any]]:
    """One mapping per input in order: `input` (file, or file and row), then what the task says of it.

    A task whose outputs are pixels takes images of any size, by tiles when a tile size is given. output: a folder for
    the pictures of a task that predicts some, such as masks; their paths stand under `picture`.
    """
    if trained.built.task.moves_targets:
        return _predict_pixels(trained, inputs, tiles or Tiles(), output)
    if tiles is not None or output is not None:
        raise InputError("--tile and --output are for tasks that predict a class for every pixel", "leave them out")
    run = tf.function(trained.built.predict, reduce_retracing=True, autograph=False)
    results = []
    named = named_examples(trained, inputs)
    while part := list(islice(named, BATCH)):
        answer = run(tf.constant(np.stack([pixels for _, pixels in part])))
        outputs = {name: np.asarray(value) for name, value in answer.items()}
        for row, (name, _) in enumerate(part):
            one = {key: value[row] for key, value in outputs.items()}
            results.append({"input": name} | trained.built.task.describe_prediction(one, trained.built.class_names))
    return results


def _predict_pixels(
    trained: TrainedModel, inputs: list[Path], tiles: Tiles, output: Path | None
) -> list[dict[str, Any]]:
    """One image after the other, each of its own size."""
    built = trained.built
    results: list[dict[str, Any]] = []
    network = tiled(built, tiles)
    for name, pixels in named_examples(trained, inputs):
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
    """A file name that no other input of this call has taken."""
    names = chain([f"{stem}.png"], (f"{stem}_{number}.png" for number in count(2)))
    return folder / next(name for name in names if name not in taken)


def named_examples(trained: TrainedModel, inputs: list[Path]) -> Iterator[tuple[str, np.ndarray]]:
    """The resized examples in files and folders, each with its file, or file and row."""
    with ThreadPoolExecutor() as pool:
        for path in inputs:
            yield from _examples(trained, path, pool)


def _examples(trained: TrainedModel, path: Path, pool: Executor) -> Iterable[tuple[str, np.ndarray]]:
    """The named, resized examples in one file or folder; pictures are decoded while the network is at work."""
    if path.is_dir():
        files = images_below(path)
        if not files:
            raise MissingError(f"no images in {path}", f"files with {', '.join(sorted(SUFFIXES))} are read")
        check_links(path, files)
        return _ahead(pool, lambda file: _image(trained, file), files)
    if not path.exists():
        raise MissingError(f"no such file or folder: {path}", "give images, folders of images or an .npz file")
    return _rows(trained, path) if path.suffix == ".npz" else [_image(trained, path)]


def _ahead(pool: Executor, function: Callable[[Path], Any], items: Iterable[Path]) -> Iterator[Any]:
    """function(item) for each item in order, computed by the pool at most AHEAD items ahead of what is taken."""
    waiting: deque[Future[Any]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) > AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _image(trained: TrainedModel, path: Path) -> tuple[str, np.ndarray]:
    spec = trained.built.raw_spec
    if not takes_images(spec):
        raise InputError(
            f"{path}: this model takes {spec.dtype} of shape {list(spec.shape)}, not images",
            "give an .npz with an array x of that shape",
        )
    pixels = read_image(path, spec.shape[-1] or 3, trained.built.resize)
    if trained.built.resize is None:
        _check_shape(spec, pixels.shape, str(path))
    return str(path), pixels


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
    _check_shape(spec, rows.shape[1:], str(path))
    for index in not_finite(rows):
        raise InputError(f"{path}[{index}] holds values that are not finite", "clean the row, or leave it out")
    resized = trained.built.resize(rows) if trained.built.resize else rows
    return [(f"{path}[{index}]", row) for index, row in enumerate(resized)]


def _check_shape(spec: ArraySpec, shape: tuple[int, ...], name: str) -> None:
    """InputError when one example's shape is not the model's."""
    fits = len(shape) == len(spec.shape) and all(w in (None, s) for w, s in zip(spec.shape, shape, strict=True))
    if not fits:
        wanted = [size if size is not None else "any" for size in spec.shape]
        raise InputError(
            f"{name} has the shape {list(shape)}, this model takes {wanted}",
            "resize it first, or train with data.resize",
        )
