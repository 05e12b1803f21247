"""Masking noise: random values are set to 0."""

from typing import Annotated, Any

import tensorflow as tf
from pydantic import Field

from dlkit.components.corrupt._values import values_per_example
from dlkit.draws import uniform_field


def masking_noise(inputs: Any, seeds: Any, *, share: Annotated[float, Field(ge=0, le=1)] = 0.25) -> tuple[Any, None]:
    """Set a random share of the values to 0; the loss still counts all values, as in a denoising autoencoder.

    inputs: (n, ...), any numeric type; seeds: int32 (n, 2). share: the probability for each value. Returns inputs of
    the same shape and type.
    """
    hidden = uniform_field(seeds, values_per_example(inputs)) < share
    return tf.where(tf.reshape(hidden, tf.shape(inputs)), tf.zeros_like(inputs), inputs), None
