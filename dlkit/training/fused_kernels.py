"""Use TensorFlow's fused operations instead of Keras' compositions: faster, and the same results up to rounding.

Layers and optimizers stay Keras objects with their settings, variables and files; only one method is replaced.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from dlkit.model.groups import leaf_layers


def use_fused_kernels(network: keras.Model) -> None:
    """Make a compiled network train with fused operations where its layers and optimizer allow it."""
    for layer in leaf_layers(network):
        if "call" not in layer.__dict__ and _is_plain_normalization(layer):
            layer.__dict__["call"] = _normalization(layer, layer.call)
    for optimizer in getattr(network.optimizer, "optimizers", [network.optimizer]):
        if "update_step" not in optimizer.__dict__ and _is_plain_adam(optimizer):
            optimizer.__dict__["update_step"] = _adam(optimizer, optimizer.update_step)


def _is_plain_normalization(layer: Any) -> bool:
    """Return whether a layer is a batch normalisation of (n, height, width, channels) in float32, as in the kernel."""
    return (
        type(layer) is keras.layers.BatchNormalization
        and not (layer.renorm or layer.synchronized)
        and layer.input_spec.ndim == 4
        and layer.axis in (-1, 3)
        and layer.variable_dtype == "float32"
    )


def _normalization(layer: Any, plain: Callable[..., Any]) -> Callable[..., Any]:
    """Return a fused batch normalisation, which passes over the activations twice instead of a dozen times."""

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


def _is_plain_adam(optimizer: Any) -> bool:
    return type(optimizer) in (keras.optimizers.Adam, keras.optimizers.AdamW) and not optimizer.amsgrad


def _adam(optimizer: Any, plain: Callable[..., Any]) -> Callable[..., Any]:
    """Return a fused Adam update: one pass over weights and moments instead of ten, for networks with many weights."""

    def update_step(gradient: Any, variable: Any, learning_rate: Any) -> None:
        if not isinstance(gradient, tf.Tensor) or gradient.dtype != variable.dtype:
            plain(gradient, variable, learning_rate)
            return
        index, dtype = optimizer._get_variable_index(variable), variable.dtype
        steps = tf.cast(optimizer.iterations + 1, dtype)
        beta_1, beta_2 = (tf.cast(beta, dtype) for beta in (optimizer.beta_1, optimizer.beta_2))
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=optimizer._momentums[index].value.handle,
            v=optimizer._velocities[index].value.handle,
            beta1_power=tf.pow(beta_1, steps),
            beta2_power=tf.pow(beta_2, steps),
            lr=tf.cast(learning_rate, dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.cast(optimizer.epsilon, dtype),
            grad=gradient,
            use_locking=True,
        )

    return update_step
