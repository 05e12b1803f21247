"""Estimate the memory and disk space that a training needs, before it starts."""

from math import prod
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from dlkit.errors import InputError, MissingError
from dlkit.formatting import byte_size
from dlkit.interfaces.data import Split
from dlkit.interfaces.ragged import Ragged, Texts
from dlkit.machine.hardware import disk, memory, processor_features, system_text

# The forward and backward pass keep about two values per activation; TensorFlow itself needs some memory too.
ACTIVATION_COPIES = 2
TENSORFLOW_BYTES = 400_000_000
# Two snapshots plus one being written, each with weights, two optimizer slots and best weights; then last and best.
STATE_COPIES = 3 * 4 + 2 * 3


def memory_needed(network: keras.Model, batch_size: int, steps: int = 1) -> int:
    """Return the bytes that a training step needs: weights, gradients, two optimizer slots, a batch's activations.

    steps: those of the longest example, for sequences of different lengths.
    """
    return TENSORFLOW_BYTES + 4 * _weight_bytes(network) + batch_size * _activation_bytes(network, steps)


def steps_of(split: Split) -> int:
    """Return the steps of the longest example, or the words of the longest text; 1 where all have one size."""
    inputs = split.inputs
    if isinstance(inputs, Texts):
        return max(len(text.split()) for text in inputs)
    return inputs.longest if isinstance(inputs, Ragged) else 1


def check_memory(network: keras.Model, batch_size: int, available: int | None = None, steps: int = 1) -> None:
    """Raise InputError, with a batch size that fits, when a step does not fit into the free memory."""
    free = available if available is not None else memory().available
    needed = memory_needed(network, batch_size, steps)
    if needed <= free:
        return
    fitting = batch_size
    while fitting and memory_needed(network, fitting, steps) > free:
        fitting //= 2
    advice = (
        f"--set training.batch_size={fitting} fits" if fitting else "a single example does not fit: use a smaller model"
    )
    message = f"a batch of {batch_size} needs about {byte_size(needed)}, but {byte_size(free)} are free"
    raise InputError(message, advice, key="training.batch_size")


def slow_precision(precision: str, features: list[str] | None = None) -> str | None:
    """Return a warning when a precision is slow on this machine; features: those of its processor (see machine)."""
    if precision != "mixed_bfloat16" or tf.config.list_physical_devices("GPU"):
        return None
    found = processor_features(system_text("/proc/cpuinfo")) if features is None else features
    if not found or any("BF16" in feature for feature in found):
        return None
    return (
        "training.precision: this processor has no bfloat16 units, so mixed_bfloat16 may be many times slower than "
        "float32; compare them with --explain-speed"
    )


def check_disk(network: keras.Model, root: Path) -> None:
    """Raise MissingError when the checkpoints and snapshots of a run would not fit on the disk."""
    place, needed = disk(root), STATE_COPIES * _weight_bytes(network) + 1_000_000
    if needed > place.free:
        raise MissingError(
            f"a run of this recipe needs about {byte_size(needed)} on disk, "
            f"but {place.folder} has {byte_size(place.free)} free",
            "free some space, or choose another folder with --runs-dir",
        )


def _weight_bytes(network: keras.Model) -> int:
    sizes: list[int] = [prod(weight.shape) * _item_bytes(weight.dtype) for weight in network.weights]
    return sum(sizes)


def _activation_bytes(network: keras.Model, steps: int) -> int:
    """Return the bytes of all layers' outputs for one example, forward and backward; unknown sizes count as `steps`."""
    tensors = [tensor for layer in network.layers for tensor in keras.tree.flatten(layer.output)]
    sizes: list[int] = [prod(n or steps for n in tensor.shape[1:]) * _item_bytes(tensor.dtype) for tensor in tensors]
    return ACTIVATION_COPIES * sum(sizes)


def _item_bytes(dtype: Any) -> int:
    sizes = {"float64": 8, "int64": 8, "float16": 2, "bfloat16": 2, "uint8": 1, "bool": 1}
    return sizes.get(str(dtype), 4)
