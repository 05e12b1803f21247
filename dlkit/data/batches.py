"""Read the examples of a split in batches, from memory or from disk, in parallel and in order."""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import tensorflow as tf

from dlkit.interfaces.data import Rows, Split, forget_pages, on_disk
from dlkit.machine.hardware import memory, usable_cores

# Splits on disk up to this size, and this share of the free memory, are read into it: there a graph gathers from them
# without Python.
MEMORY_BYTES, MEMORY_SHARE = 1 << 30, 0.25
# TensorFlow would hold a second copy of what it is given; it takes over memory that is aligned as its own.
_COPIED_BYTES, _ALIGNMENT = 1 << 24, 64
# A batch outside training has at most so many input values, which bounds its activations.
FIXED_BATCH, FIXED_VALUES = 256, 1 << 20
# Batches that are made at the same time.
MOST_WORKERS = 8

_TENSORS: WeakKeyDictionary[Split, list[Any]] = WeakKeyDictionary()


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Batches in an epoch of `count` examples; the last one may be smaller."""
    return -(-count // batch_size)


def in_memory(split: Split) -> bool:
    """Whether a split is held in memory: it is already, or small enough to be read into it."""
    if not (on_disk(split.inputs) or on_disk(split.targets)):
        return True
    return split.nbytes <= min(MEMORY_BYTES, MEMORY_SHARE * memory().available)


def reader(split: Split) -> Callable[[Any], tuple[Any, Any]]:
    """A function from indices (n,) to (inputs, targets) for use in graphs."""
    arrays = (split.inputs, split.targets)
    if in_memory(split):
        if split not in _TENSORS:
            _TENSORS[split] = [_tensor(array) for array in arrays]
        tensors = _TENSORS[split]
        return lambda indices: tuple(tf.gather(tensor, indices) for tensor in tensors)

    def read(indices: Any) -> Any:
        parts = tf.numpy_function(split.read, [indices], [array.dtype for array in arrays])
        return tuple(tf.ensure_shape(part, (None, *array.shape[1:])) for part, array in zip(parts, arrays, strict=True))

    return read


def _tensor(array: np.ndarray | Rows) -> Any:
    """An array as a tensor; one large enough to matter is copied once, into memory that the tensor then owns."""
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


def examples(split: Split, batch_size: int) -> tf.data.Dataset:
    """All examples of a split in their own order, raw, in batches: (indices, inputs, targets)."""
    read = reader(split)

    def batch_from(start: Any) -> Any:
        indices = tf.range(start, tf.minimum(start + batch_size, len(split)))
        return (indices, *read(indices))

    return ahead(numbers(0, len(split), batch_size), batch_from)


def fixed_batch(split: Split) -> int:
    """So many examples of a split at once that their activations stay small."""
    return max(1, min(FIXED_BATCH, FIXED_VALUES // max(1, int(np.prod(split.inputs.shape[1:])))))


def numbers(*span: int) -> tf.data.Dataset:
    """tf.data.Dataset.range without tf.data's tuner: it sleeps for ever longer spans (10, 20, 40 ... milliseconds, to a
    minute), and an iterator that ends may wait for it to wake, as long as it has lived already.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    options.deterministic = True
    return tf.data.Dataset.range(*span).with_options(options)


def ahead(elements: tf.data.Dataset, function: Callable[..., Any]) -> tf.data.Dataset:
    """Elements made in parallel, in their order, while the step before runs."""
    workers = min(MOST_WORKERS, max(1, int(usable_cores())))
    return elements.map(as_written(function), num_parallel_calls=workers).prefetch(1)


def as_written(function: Callable[..., Any]) -> Callable[..., Any]:
    """Without AutoGraph, which takes a second to rewrite a pipeline and would wrap the errors that it raises."""
    kept: Callable[..., Any] = tf.autograph.experimental.do_not_convert(function)
    return kept
