"""Batch normalisation in training by TensorFlow's fused kernel: the same numbers but for rounding, in less time."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from dlkit.layer_groups import leaf_layers


def fuse_batch_normalization(network: keras.Model) -> None:
    """Let the network's own BatchNormalization layers over (n, height, width, channels) train with one fused operation.

    Keras composes mean, variance and normalisation of a dozen elementwise operations, each of which reads and writes
    all activations. Layers, weights, files and inference stay Keras' own; a float64 network is left as it is.
    """
    for layer in leaf_layers(network):
        if "call" not in layer.__dict__ and _fits(layer):
            layer.__dict__["call"] = _fused(layer, layer.call)


def _fits(layer: Any) -> bool:
    return (
        type(layer) is keras.layers.BatchNormalization
        and not (layer.renorm or layer.synchronized)
        and layer.input_spec.ndim == 4
        and layer.axis in (-1, 3)
        and layer.variable_dtype == "float32"
    )


def _fused(layer: Any, plain: Callable[..., Any]) -> Callable[..., Any]:
    def call(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and layer.trainable) or mask is not None:
            return plain(inputs, training=training, mask=mask)
        inputs = tf.cast(inputs, tf.float32)
        channels = inputs.shape[-1]
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.cast(layer.gamma, tf.float32) if layer.scale else tf.ones([channels]),
            offset=tf.cast(layer.beta, tf.float32) if layer.center else tf.zeros([channels]),
            mean=tf.zeros([0]),
            variance=tf.zeros([0]),
            epsilon=layer.epsilon,
            is_training=True,
        )
        # The kernel divides the variance that it returns by count - 1, Keras by count.
        count = tf.cast(tf.size(inputs) // channels, tf.float32)
        variance *= (count - 1) / count
        for moving, batch in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            moving.assign(moving * layer.momentum + batch * (1 - layer.momentum))
        return keras.ops.cast(outputs, layer.compute_dtype)

    return call
