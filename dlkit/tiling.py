"""Images of any size through a network, whole or by tiles that overlap."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.compiled_model import BuiltModel
from dlkit.components import reason
from dlkit.datasets._dataset import Split
from dlkit.errors import InputError
from dlkit.receptive_field import grid_of, receptive_field
from dlkit.tasks._task import main_output

Weights = np.ndarray


@dataclass(frozen=True)
class Tiles:
    """How an image is cut: tiles of about `size` pixels, each seen with `overlap` pixels around it.

    size None: one tile. overlap None: as far as the network looks, so that tiles give what the whole image gives; for
    a network that looks at the whole image, a quarter of a tile. A smaller overlap blends neighbours linearly.
    """

    size: int | None = None
    overlap: int | None = None


def tiled(built: BuiltModel, tiles: Tiles) -> "TiledNetwork":
    """A built model from one image, resized as in training, to what its network gives for every pixel."""
    network = built.inference_network

    def predict(images: Any) -> Any:
        outputs = network(built.preprocess(images, training=False), training=False)
        return keras.ops.cast(outputs, keras.config.floatx())

    return TiledNetwork(network, predict, tiles)


def check_pixels(built: BuiltModel, split: Split | None) -> None:
    """Raise InputError when whole images of a split do not fit a network for pixels, before it trains on crops."""
    network = built.network
    if split is None or not built.task.moves_targets or None not in network.input.shape[1:3]:
        return
    size = split.inputs.shape[1:3]
    try:  # only a graph of this size tells: Keras' own shape inference accepts what Concatenate then refuses
        tf.function(network).get_concrete_function(
            tf.TensorSpec((1, *size, network.input.shape[-1]), network.input.dtype)
        )
    except (ValueError, TypeError) as error:
        raise InputError(
            f"images of {size[0]} x {size[1]} pixels do not fit the network: {reason(error)}",
            f"resize them to multiples of {grid_of(network)} pixels",
            key="data.resize",
        ) from error


class TiledNetwork:
    """A network (n, h, w, c) to (n, h', w', classes) as a function of one image of any size.

    Images are mirrored at their lower and right borders up to the sizes that the network halves exactly, and all around
    where an unpadded network has no output (Ronneberger et al. 2015). Away from these borders the tiles' outputs equal
    those of the whole image, because they keep to the grid of the poolings and are cut off as far as the network looks.
    """

    def __init__(self, network: keras.Model, predict: Callable[[Any], Any], tiles: Tiles) -> None:
        shape = network.input.shape[1:3]
        if tiles.size is not None and None not in shape:
            raise InputError(
                f"this network takes images of {shape[0]} x {shape[1]} pixels alone, which are not tiled",
                "leave out --tile, or train with data.patch in place of data.resize",
            )
        self._network, self._tiles = network, tiles
        self._predict = tf.function(predict, autograph=False)
        self._reach = receptive_field(network)
        self._fixed = None not in shape
        self._graph: Any = None

    @cached_property
    def grid(self) -> int:
        """Tiles begin at multiples of it."""
        return self._reach.grid if self._reach else grid_of(self._network)

    @cached_property
    def _unpadded(self) -> tuple[int, int]:
        """(remainder of a good input size by the grid, pixels that the output lacks); (0, 0) for padded networks."""
        base = 64 * self.grid
        lost = {size % self.grid: size - self._output_size(size) for size in range(base, base + self.grid)}
        if lost[0] == 0:
            return 0, 0
        best = min(lost, key=lambda remainder: (lost[remainder], remainder))
        return best, lost[best]

    def _output_size(self, size: int) -> int:
        channels = self._network.input.shape[-1]
        return int(main_output(self._network.compute_output_shape((1, size, size, channels)))[1])

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Class probabilities float (h, w, classes) of an image (h, w, c); an unpadded network's too, of all pixels."""
        if self._fixed:
            return self._through(image)
        remainder, lost = self._unpadded
        parts = self._valid_parts if lost else self._padded_parts
        rows, columns = (parts(size, remainder, lost) for size in image.shape[:2])
        margin = lost // 2
        needed = [max(part.stop for part, _, _ in axis) for axis in (rows, columns)]
        padded = _mirrored(image, margin, needed)
        outer = [max(part[1].stop for part in axis) for axis in (rows, columns)]
        total = np.zeros((*outer, main_output(self._network.output).shape[-1]), np.float32)
        weights = np.zeros((*outer, 1), np.float32)
        for row in rows:
            for column in columns:
                output, weight = self._one(padded, row, column)
                total[row[1], column[1]] += weight * output
                weights[row[1], column[1]] += weight
        blended: np.ndarray = (total / weights)[: image.shape[0], : image.shape[1]]
        return blended

    def _one(self, padded: np.ndarray, row: "Part", column: "Part") -> tuple[np.ndarray, Weights]:
        """A tile's output and the weight of its pixels."""
        window = padded[row[0], column[0]]
        return self._through(window), (row[2][:, np.newaxis] * column[2])[..., np.newaxis]

    def _through(self, image: np.ndarray) -> np.ndarray:
        """One image through one graph for all sizes: TensorFlow's atrous convolutions fail where one side varies."""
        if self._graph is None:
            shape = (1, *self._network.input.shape[1:])
            self._graph = self._predict.get_concrete_function(tf.TensorSpec(shape, image.dtype))
        output: np.ndarray = np.asarray(self._graph(tf.constant(image[np.newaxis])))[0]
        return output

    def _valid_parts(self, size: int, remainder: int, lost: int) -> list["Part"]:
        """Windows along one axis of an unpadded network, whose every output counts."""
        wanted = min(self._tiles.size or size, size)
        window = wanted + lost
        window += (remainder - window) % self.grid
        kept = window - lost
        step = max(self.grid, kept // self.grid * self.grid)
        starts = range(0, max(size - kept, 0) + step, step) if size > kept else [0]
        starts = [start for start in starts if start < size]
        return [(slice(s, s + window), slice(s, s + kept), np.ones(kept, np.float32)) for s in starts]

    def _padded_parts(self, size: int, remainder: int, lost: int) -> list["Part"]:
        """Windows along one axis of a padded network, weighted 0 where a cut border has changed the output."""
        whole = _up(size, self.grid)
        if self._tiles.size is None:
            return [(slice(0, whole), slice(0, whole), np.ones(whole, np.float32))]
        core = _up(self._tiles.size, self.grid)
        overlap, ignored = self._overlap(core)
        return list(_padded_windows(whole, core, overlap, ignored))

    def _overlap(self, core: int) -> tuple[int, int]:
        """Pixels around a tile, and how many of them count nothing."""
        halo = self._reach.halo if self._reach else None
        asked = self._tiles.overlap
        if asked is None:
            return (halo, halo) if halo is not None else (_up(max(1, core // 4), self.grid), 0)
        overlap = _up(asked, self.grid) if asked else 0
        return overlap, halo if halo is not None and overlap >= halo else 0


Part = tuple[slice, slice, Weights]


def _padded_windows(whole: int, core: int, overlap: int, ignored: int) -> Iterator[Part]:
    """Windows of `core` pixels and `overlap` on either side, as far as the image goes."""
    for start in range(0, whole, core):
        first, last = max(0, start - overlap), min(whole, start + core + overlap)
        weights = np.ones(last - first, np.float32)
        ramp = _ramp(last - first, overlap, ignored)
        if first > 0:
            weights = np.minimum(weights, ramp)
        if last < whole:
            weights = np.minimum(weights, ramp[::-1])
        yield slice(first, last), slice(first, last), weights


def _ramp(length: int, overlap: int, ignored: int) -> Weights:
    """Weights by the distance from a cut border: 0 for the ignored pixels, then rising over what neighbours share."""
    distance = np.arange(length, dtype=np.float32) - ignored
    shared = max(1, 2 * (overlap - ignored))
    ramp: Weights = np.clip((distance + 1) / shared, 0, 1)
    return ramp


def _mirrored(image: np.ndarray, margin: int, needed: list[int]) -> np.ndarray:
    """An image continued by its mirror image: `margin` pixels before it, and after it up to the needed size."""
    for axis, size in enumerate(needed):
        after = max(0, size - margin - image.shape[axis])
        places = np.arange(-margin, image.shape[axis] + after)
        image = np.take(image, _reflected(places, image.shape[axis]), axis=axis)
    return image


def _reflected(places: np.ndarray, size: int) -> np.ndarray:
    """Places outside [0, size) as those that a mirror on the border pixels shows, again and again if need be."""
    if size == 1:
        return np.zeros_like(places)
    period = 2 * (size - 1)
    folded = places % period
    mirrored: np.ndarray = np.where(folded < size, folded, period - folded)
    return mirrored


def _up(size: int, grid: int) -> int:
    return -(-size // grid) * grid
