"""Read the examples of a split in batches, from memory or disk, in parallel but in order."""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import tensorflow as tf

from dlkit.interfaces.data import Rows, Split, forget_pages, longest_example, on_disk
from dlkit.interfaces.ragged import Ragged, Texts
from dlkit.machine.hardware import memory, usable_cores

# Splits on disk are loaded into memory up to this size and this share of the free memory, so that a graph can gather
# examples without calling Python.
MEMORY_BYTES, MEMORY_SHARE = 1 << 30, 0.25
# TensorFlow copies large arrays unless their memory has the alignment that it requires.
_COPIED_BYTES, _ALIGNMENT = 1 << 24, 64
# Limits on the examples and input values of a batch outside training, which bound the size of its activations.
FIXED_BATCH, FIXED_VALUES = 256, 1 << 20
# The maximum number of batches that are prepared in parallel.
MOST_WORKERS = 8

Gather = Callable[[Any], Any]

_GATHERS: WeakKeyDictionary[Split, list[Gather]] = WeakKeyDictionary()


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Return the number of batches in an epoch of `count` examples; the last one may be smaller."""
    return -(-count // batch_size)


def in_memory(split: Split) -> bool:
    """Return whether a split is kept in memory: it is already there, or it is small enough to be loaded."""
    if not (on_disk(split.inputs) or on_disk(split.targets)):
        return True
    return split.nbytes <= min(MEMORY_BYTES, MEMORY_SHARE * memory().available)


def reader(split: Split) -> Callable[[Any], tuple[Any, Any]]:
    """Return a function from indices (n,) to (inputs, targets) for use in graphs."""
    arrays = (split.inputs, split.targets)
    if in_memory(split):
        if split not in _GATHERS:
            _GATHERS[split] = [_gather(array) for array in arrays]
        gathers = _GATHERS[split]
        return lambda indices: tuple(gather(indices) for gather in gathers)

    def read(indices: Any) -> Any:
        parts = tf.numpy_function(split.read, [indices], [array.dtype for array in arrays])
        return tuple(tf.ensure_shape(part, (None, *array.shape[1:])) for part, array in zip(parts, arrays, strict=True))

    return read


def _gather(array: np.ndarray | Rows | Ragged) -> Gather:
    """Return a function from indices (n,) to these examples, which are kept as tensors."""
    if isinstance(array, Texts):
        texts = tf.constant([array[index] for index in range(len(array))], tf.string)
        return lambda indices: tf.gather(texts, indices)
    if isinstance(array, Ragged):
        return _padded(array)
    tensor = _tensor(array)
    return lambda indices: tf.gather(tensor, indices)


def _padded(array: Ragged) -> Gather:
    """Return a function from indices (n,) to these sequences, padded to the longest of them."""
    steps, lengths = _tensor(array.flat()), tf.constant(array.lengths)
    starts = tf.cumsum(lengths, exclusive=True)

    def gather(indices: Any) -> Any:
        begin, size = tf.gather(starts, indices), tf.gather(lengths, indices)
        places = tf.range(tf.reduce_max(size))
        inside = places < size[:, tf.newaxis]
        found = tf.gather(steps, tf.where(inside, begin[:, tf.newaxis] + places, 0))
        inside = tf.reshape(inside, [*tf.unstack(tf.shape(inside)), *[1] * (len(steps.shape) - 1)])
        return tf.where(inside, found, tf.constant(array.padding, found.dtype))

    return gather


def _tensor(array: np.ndarray | Rows) -> Any:
    """Return an array as a tensor; a large array is copied only once, into memory that the tensor then owns."""
    if array.nbytes < _COPIED_BYTES or array.dtype.kind not in "uif":
        return tf.convert_to_tensor(array[:])
    buffer = np.empty(array.nbytes + _ALIGNMENT, np.uint8)
    start = -buffer.ctypes.data % _ALIGNMENT
    aligned = buffer[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    rows = max(1, _COPIED_BYTES * len(array) // array.nbytes)
    for first in range(0, len(array), rows):
        aligned[first : first + rows] = array[first : first + rows]
        forget_pages(array)
    return tf.experimental.dlpack.from_dlpack(aligned.__dlpack__())


def examples(split: Split, batch_size: int, first: int = 0, last: int | None = None) -> tf.data.Dataset:
    """Return the raw examples of a split in their original order, in batches of (indices, inputs, targets).

    first, last: the batches first <= batch < last, counted from 0; by default all of them.
    """
    read, end = reader(split), len(split) if last is None else min(last * batch_size, len(split))

    def batch_from(start: Any) -> Any:
        indices = tf.range(start, tf.minimum(start + batch_size, len(split)))
        return (indices, *read(indices))

    return ahead(numbers(first * batch_size, end, batch_size), batch_from)


def fixed_batch(split: Split) -> int:
    """Return a batch size for a split that keeps the activations small."""
    return max(1, min(FIXED_BATCH, FIXED_VALUES // max(1, longest_example(split.inputs))))


def numbers(*span: int) -> tf.data.Dataset:
    """Return tf.data.Dataset.range without autotuning.

    The autotuner sleeps for increasing intervals (10, 20, 40 ... milliseconds, up to a minute), and an iterator that
    ends may have to wait for it to wake up, for as long as the iterator has already existed.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    options.deterministic = True
    return tf.data.Dataset.range(*span).with_options(options)


def ahead(elements: tf.data.Dataset, function: Callable[..., Any]) -> tf.data.Dataset:
    """Return the elements mapped in parallel, in order, while the previous step runs."""
    workers = min(MOST_WORKERS, max(1, int(usable_cores())))
    return elements.map(as_written(function), num_parallel_calls=workers).prefetch(1)


def as_written(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function exempt from AutoGraph, which takes a second per pipeline and wraps the errors it raises."""
    kept: Callable[..., Any] = tf.autograph.experimental.do_not_convert(function)
    return kept
