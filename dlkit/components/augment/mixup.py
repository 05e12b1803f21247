"""Mixup: weighted means of pairs of examples."""

from typing import Annotated, Any

import tensorflow as tf
from pydantic import Field

from dlkit.draws import beta
from dlkit.errors import InputError
from dlkit.interfaces.augment import takes
from dlkit.media.images import nearest


@takes(images=False, others=True)
def mixup(inputs: Any, others: Any, seeds: Any, *, alpha: Annotated[float, Field(gt=0)] = 0.2) -> tuple[Any, Any]:
    """Mix every input and its target with another example of the batch (Zhang, 2017, arXiv 1710.09412).

    inputs, others: (n, ...), of one numeric type; seeds: int32 (n, 2), one pair per input. alpha: the weight is drawn
    from Beta(alpha, alpha), where a small alpha gives weights near 0 or 1; the input itself gets the larger weight.
    Returns inputs of the same shape and type, and the weight of the other example, float32 (n,), from 0 to 0.5.
    """
    if inputs.dtype == tf.bool:
        raise InputError("mixup needs numbers, but the data is boolean", "save x as numbers: x.astype('float32')")
    weight = beta(seeds, alpha)
    weight = tf.minimum(weight, 1 - weight)
    share = tf.reshape(weight, [-1, *[1] * (len(inputs.shape) - 1)])
    mixed = (1 - share) * tf.cast(inputs, tf.float32) + share * tf.cast(others, tf.float32)
    return nearest(mixed, inputs.dtype), weight
