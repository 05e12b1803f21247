"""Run images of any size through a network, whole or in overlapping tiles."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.analysis.receptive_field import grid_of, receptive_field
from dlkit.errors import InputError
from dlkit.interfaces.task import main_output
from dlkit.model.built import BuiltModel


@dataclass(frozen=True)
class Tiles:
    """How to cut an image: into tiles of about `size` pixels, each with `overlap` pixels of context around it.

    size None: one tile. overlap None: the reach of the network, so that tiles give the same outputs as the whole image;
    for a network that sees the whole image, a quarter of a tile. A smaller overlap blends neighbours linearly.
    """

    size: int | None = None
    overlap: int | None = None


def tiled(built: BuiltModel, tiles: Tiles) -> "TiledNetwork":
    """Return a built model as a function from one image, resized as in training, to its outputs for every pixel."""
    network = built.inference_network

    def predict(images: Any) -> Any:
        outputs = network(built.preprocess(images, training=False), training=False)
        return keras.ops.cast(outputs, keras.config.floatx())

    return TiledNetwork(network, predict, tiles)


class TiledNetwork:
    """A network from (n, h, w, c) to (n, h', w', classes) as a function of one image of any size.

    Images are mirrored at their lower and right borders up to the sizes that the network halves exactly, and all around
    where an unpadded network has no output (Ronneberger et al. 2015). Away from these borders the tiles' outputs equal
    those of the whole image, because tiles are aligned with the poolings' grid and cropped by the reach of the network.
    """

    def __init__(self, network: keras.Model, predict: Callable[[Any], Any], tiles: Tiles) -> None:
        shape = network.input.shape[1:3]
        if tiles.size is not None and None not in shape:
            raise InputError(
                f"this network only takes images of {shape[0]} x {shape[1]} pixels, which cannot be tiled",
                "remove --tile, or train with data.patch instead of data.resize",
            )
        self._network, self._tiles = network, tiles
        self._predict = tf.function(predict, autograph=False)
        self._fixed = None not in shape
        self._graph: Any = None

    @cached_property
    def _axes(self) -> tuple["_Axis", "_Axis"]:
        """Return how height and width are cut."""
        return _axis(self._network, 0, self._tiles), _axis(self._network, 1, self._tiles)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Return class probabilities, float (h, w, classes), of an image (h, w, c), also for an unpadded network."""
        if self._fixed:
            return self._through(image)
        rows, columns = (axis.parts(size) for axis, size in zip(self._axes, image.shape, strict=False))
        needed = [parts[-1].seen.stop for parts in (rows, columns)]
        padded = _mirrored(image, [axis.lost // 2 for axis in self._axes], needed)
        outer = [parts[-1].given.stop for parts in (rows, columns)]
        total = np.zeros((*outer, main_output(self._network.output).shape[-1]), np.float32)
        weights = np.zeros((*outer, 1), np.float32)
        for row in rows:
            for column in columns:
                weight = (row.weights[:, np.newaxis] * column.weights)[..., np.newaxis]
                total[row.given, column.given] += weight * self._through(padded[row.seen, column.seen])
                weights[row.given, column.given] += weight
        blended: np.ndarray = (total / weights)[: image.shape[0], : image.shape[1]]
        return blended

    def _through(self, image: np.ndarray) -> np.ndarray:
        """Run one image through a graph for all sizes: TensorFlow's atrous convolutions fail if one side varies."""
        if self._graph is None:
            shape = (1, *self._network.input.shape[1:])
            self._graph = self._predict.get_concrete_function(tf.TensorSpec(shape, image.dtype))
        output: np.ndarray = np.asarray(self._graph(tf.constant(image[np.newaxis])))[0]
        return output


@dataclass(frozen=True)
class _Part:
    """A tile along one axis: the pixels that the network sees, those that it outputs, and the weights of the latter."""

    seen: slice
    given: slice
    weights: np.ndarray


@dataclass(frozen=True)
class _Axis:
    """How an image is cut along one axis.

    grid: tiles begin at multiples of it. halo: the reach of the network, None for the whole image. lost: the pixels
    missing from the output, 0 for a padded network. remainder: that of a suitable input size divided by the grid.
    """

    tiles: Tiles
    grid: int
    halo: int | None
    lost: int
    remainder: int

    def parts(self, size: int) -> list[_Part]:
        """Return the tiles of an image of `size` pixels, in order."""
        return self._valid_parts(size) if self.lost else self._padded_parts(size)

    def _valid_parts(self, size: int) -> list[_Part]:
        """Return the tiles for an unpadded network, all of whose outputs count."""
        window = min(self.tiles.size or size, size) + self.lost
        window += (self.remainder - window) % self.grid
        kept = window - self.lost
        step = max(self.grid, kept // self.grid * self.grid)
        starts = range(0, max(size - kept, 0) + step, step) if size > kept else [0]
        return [
            _Part(slice(start, start + window), slice(start, start + kept), np.ones(kept, np.float32))
            for start in starts
            if start < size
        ]

    def _padded_parts(self, size: int) -> list[_Part]:
        """Return the tiles for a padded network, weighted 0 where a cut border has changed the output."""
        whole = _up(size, self.grid)
        if self.tiles.size is None:
            return [_Part(slice(0, whole), slice(0, whole), np.ones(whole, np.float32))]
        core = _up(self.tiles.size, self.grid)
        return list(_padded_windows(whole, core, *self._overlap(core)))

    def _overlap(self, core: int) -> tuple[int, int]:
        """Return the number of pixels around a tile, and how many of them are ignored."""
        asked = self.tiles.overlap
        if asked is None:
            return (self.halo, self.halo) if self.halo is not None else (_up(max(1, core // 4), self.grid), 0)
        overlap = _up(asked, self.grid) if asked else 0
        return overlap, self.halo if self.halo is not None and overlap >= self.halo else 0


def _axis(network: keras.Model, dimension: int, tiles: Tiles) -> _Axis:
    """Return how a network's images are cut along a dimension."""
    reach = receptive_field(network, dimension)
    grid = reach.grid if reach else grid_of(network, dimension)
    lost, remainder = _lost(network, dimension, 64 * grid), 0
    if lost:
        lost, remainder = min((_lost(network, dimension, 64 * grid + rest), rest) for rest in range(grid))
    return _Axis(tiles, grid, reach.halo if reach else None, lost, remainder)


def _lost(network: keras.Model, dimension: int, size: int) -> int:
    """Return how many pixels the output lacks along a dimension, for an input of `size` pixels."""
    shape = (1, size, size, network.input.shape[-1])
    return size - int(main_output(network.compute_output_shape(shape))[1 + dimension])


def _padded_windows(whole: int, core: int, overlap: int, ignored: int) -> Iterator[_Part]:
    """Yield tiles of `core` pixels with `overlap` pixels on either side, up to the borders of the image."""
    for start in range(0, whole, core):
        first, last = max(0, start - overlap), min(whole, start + core + overlap)
        weights = np.ones(last - first, np.float32)
        ramp = _ramp(last - first, overlap, ignored)
        if first > 0:
            weights = np.minimum(weights, ramp)
        if last < whole:
            weights = np.minimum(weights, ramp[::-1])
        yield _Part(slice(first, last), slice(first, last), weights)


def _ramp(length: int, overlap: int, ignored: int) -> np.ndarray:
    """Return weights by the distance from a cut border: 0 for ignored pixels, then rising where neighbours overlap."""
    distance = np.arange(length, dtype=np.float32) - ignored
    shared = max(1, 2 * (overlap - ignored))
    ramp: np.ndarray = np.clip((distance + 1) / shared, 0, 1)
    return ramp


def _mirrored(image: np.ndarray, margins: list[int], needed: list[int]) -> np.ndarray:
    """Return an image extended by reflection: by the margins before it, and after it up to the needed sizes."""
    for axis, (margin, size) in enumerate(zip(margins, needed, strict=True)):
        after = max(0, size - margin - image.shape[axis])
        places = np.arange(-margin, image.shape[axis] + after)
        image = np.take(image, _reflected(places, image.shape[axis]), axis=axis)
    return image


def _reflected(places: np.ndarray, size: int) -> np.ndarray:
    """Map places outside [0, size) inside by reflection at the border pixels, repeatedly if necessary."""
    if size == 1:
        return np.zeros_like(places)
    period = 2 * (size - 1)
    folded = places % period
    mirrored: np.ndarray = np.where(folded < size, folded, period - folded)
    return mirrored


def _up(size: int, grid: int) -> int:
    return -(-size // grid) * grid
