"""Masks of padded steps, passed from layer to layer explicitly, so that padding never changes an answer.

A mask is bool (n, steps), true where a step is part of the sequence; sequences begin at step 0. Keras' own propagation
is not used: which layers pass a mask on depends on its version.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from dlkit.errors import InputError

Masked = tuple[Any, Any]
"""Values (n, steps, ...) and their mask; None if no step is padding."""

_LOWEST = -3.0e38
_BY_STEP = (
    keras.layers.Dense,
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.TimeDistributed,
    keras.layers.EinsumDense,
)
"""Layers that treat every step alone; so do those that only apply a function to each value."""


def start_mask(inputs: Any) -> Masked:
    """Return the inputs of a network and their mask, None unless they are sequences of different lengths.

    Floats (n, steps, ...): NaN is padding, and becomes 0. Integers (n, steps): 0 is padding. Others raise InputError.
    """
    shape = inputs.shape[1:]
    if not shape or shape[0] is not None or None in shape[1:]:
        return inputs, None
    if not keras.backend.is_float_dtype(inputs.dtype):
        if len(shape) > 1:
            raise InputError("integers with several values per step cannot be padded", "give the sequences as floats")
        return inputs, ops.not_equal(inputs, 0)
    missing = ops.isnan(inputs)
    mask = ops.logical_not(ops.any(missing, axis=tuple(range(2, len(inputs.shape)))) if len(shape) > 1 else missing)
    return filled(inputs, mask), mask


def masked_call(layer: Any, inputs: Any, mask: Any) -> Masked:
    """Return a layer's output and the mask of its steps, None where there are no padded steps (any more).

    Raises InputError for a layer of which it is not known that padding does not change its answers.
    """
    if isinstance(layer, keras.layers.Embedding):
        return layer(inputs), ops.not_equal(inputs, 0) if layer.mask_zero and mask is None else mask
    if isinstance(layer, keras.layers.Masking):
        return _masking(layer, inputs, mask)
    if mask is None:
        return layer(inputs), None
    rule = next((found for kinds, found in _RULES if isinstance(layer, kinds)), _unknown)
    return rule(layer, inputs, mask)


def filled(values: Any, mask: Any, value: float = 0.0) -> Any:
    """Return values (n, steps, ...) with another value at padded steps."""
    return ops.where(_expanded(mask, len(values.shape) - 2), values, ops.cast(value, values.dtype))


def _expanded(mask: Any, axes: int) -> Any:
    for _ in range(axes):
        mask = ops.expand_dims(mask, -1)
    return mask


def _masking(layer: Any, inputs: Any, mask: Any) -> Masked:
    used = ops.any(ops.not_equal(inputs, layer.mask_value), axis=-1)
    return layer(inputs), used if mask is None else ops.logical_and(used, mask)


def _by_step(layer: Any, inputs: Any, mask: Any) -> Masked:
    return layer(inputs), mask


def _recurrent(layer: Any, inputs: Any, mask: Any) -> Masked:
    if getattr(layer, "go_backwards", False) and layer.return_sequences:
        raise _refused(layer, "with go_backwards returns the padded steps first", "use Bidirectional instead")
    outputs = layer(inputs, mask=mask)
    return (filled(outputs, mask), mask) if layer.return_sequences else (outputs, None)


def _normalized(layer: Any, inputs: Any, mask: Any) -> Masked:
    axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
    if any(axis % len(inputs.shape) == 1 for axis in axes):
        raise _refused(layer, "normalizes over the steps", "give it the axis -1")
    if not isinstance(layer, keras.layers.BatchNormalization):
        return layer(inputs), mask
    wide = _expanded(mask, len(inputs.shape) - 3)
    seen = ops.logical_and(wide, ops.ones_like(inputs[..., 0], "bool")) if len(inputs.shape) > 3 else mask
    return layer(inputs, mask=seen), mask


def _convolved(layer: Any, inputs: Any, mask: Any) -> Masked:
    kernel = layer.dilation_rate[0] * (layer.kernel_size[0] - 1) + 1
    values, kept = _windows(layer, filled(inputs, mask), mask, kernel, layer.strides[0], 0.0)
    return layer(values), kept


def _max_pooled(layer: Any, inputs: Any, mask: Any) -> Masked:
    low = filled(inputs, mask, _LOWEST)
    values, kept = _windows(layer, low, mask, layer.pool_size[0], layer.strides[0], _LOWEST)
    return filled(layer(values), kept), kept


def _average_pooled(layer: Any, inputs: Any, mask: Any) -> Masked:
    """Divide the average over a window by the share of its steps that are not padding."""
    size, strides = layer.pool_size[0], layer.strides[0]
    values, kept = _windows(layer, filled(inputs, mask), mask, size, strides, 0.0)
    steps, _ = _windows(layer, ops.cast(mask, inputs.dtype)[..., None], mask, size, strides, 0.0)
    share = ops.average_pool(steps, size, strides, layer.padding)
    share = _expanded(share[..., 0], len(inputs.shape) - 2)
    return filled(layer(values) / ops.where(share > 0, share, ops.ones_like(share)), kept), kept


def _windows(layer: Any, values: Any, mask: Any, size: int, strides: int, value: float) -> Masked:
    """Return the values that a window over the steps reads, and the mask of its output.

    With `valid`, a window counts if it lies in the sequence; a sequence that is shorter than the window is extended to
    its size. With `same` and `causal`, every step that a window is put on counts.
    """
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise _refused(layer, "has the steps last", "use data_format: channels_last")
    if layer.padding == "valid":
        rest = [[0, 0]] * (len(values.shape) - 2)
        longer = ops.pad(values, [[0, 0], [0, size - 1], *rest], constant_values=value) if size > 1 else values
        whole = ops.pad(mask, [[0, 0], [0, size - 1]])[:, size - 1 :: strides] if size > 1 else mask[:, ::strides]
        return longer, ops.concatenate([mask[:, :1], whole[:, 1:]], axis=1)
    if layer.padding == "same" and strides > 1 and size > 2:
        raise _refused(
            layer, "with padding: same and strides places its windows by the length of the batch", "use padding: valid"
        )
    return values, mask[:, ::strides] if strides > 1 else mask


def _max_of_all(layer: Any, inputs: Any, mask: Any) -> Masked:
    found = layer(filled(inputs, mask, _LOWEST))
    some = _expanded(ops.any(mask, axis=1, keepdims=True), 1 if layer.keepdims else 0)
    return ops.where(some, found, ops.zeros_like(found)), None


def _mean_of_all(layer: Any, inputs: Any, mask: Any) -> Masked:
    """Call the layer with a mask in which an empty sequence has one step, which is 0."""
    first = ops.ones_like(mask[:, :1])
    return layer(filled(inputs, mask), mask=ops.concatenate([first, mask[:, 1:]], axis=1)), None


def _reshaped(layer: Any, inputs: Any, mask: Any) -> Masked:
    outputs = layer(filled(inputs, mask))
    if len(outputs.shape) < 3 or outputs.shape[1] is not None or None in outputs.shape[2:]:
        raise _refused(layer, "mixes the steps of a sequence", "keep them apart with target_shape: [-1, features]")
    if _features(outputs) != _features(inputs):
        raise _refused(layer, "changes the number of steps", "keep the number of values in a step")
    return outputs, mask


def _features(values: Any) -> int:
    count = 1
    for size in values.shape[2:]:
        count *= size
    return count


def _unknown(layer: Any, inputs: Any, mask: Any) -> Masked:
    """Call a layer that takes a mask, or one that declares that it passes masks on; refuse any other."""
    if getattr(layer, "_call_has_mask_arg", False):
        outputs = layer(inputs, mask=mask)
        return outputs, layer.compute_mask(inputs, mask)
    if not layer.supports_masking:
        advice = "pool over the steps or use a recurrent layer first"
        raise _refused(layer, "may read padded steps", f"{advice}, or set supports_masking in a layer of your own")
    return layer(inputs), mask


def _mixing(layer: Any, inputs: Any, mask: Any) -> Masked:
    raise _refused(layer, "reads all steps at once", "use layers that are known to leave padding out")


def _refused(layer: Any, problem: str, hint: str) -> InputError:
    return InputError(f"{type(layer).__name__} {problem}, so that padding would change its answers", hint)


_K = keras.layers
_RULES: tuple[tuple[tuple[type, ...], Callable[[Any, Any, Any], Masked]], ...] = (
    ((_K.RNN, _K.Bidirectional), _recurrent),
    ((_K.BatchNormalization, _K.LayerNormalization, _K.UnitNormalization, _K.Softmax), _normalized),
    (
        (_K.Conv1D, _K.Conv2D, _K.SeparableConv1D, _K.SeparableConv2D, _K.DepthwiseConv1D, _K.DepthwiseConv2D),
        _convolved,
    ),
    ((_K.MaxPooling1D, _K.MaxPooling2D), _max_pooled),
    ((_K.AveragePooling1D, _K.AveragePooling2D), _average_pooled),
    ((_K.GlobalMaxPooling1D,), _max_of_all),
    ((_K.GlobalAveragePooling1D,), _mean_of_all),
    ((_K.Reshape,), _reshaped),
    (_BY_STEP, _by_step),
    ((_K.GroupNormalization, keras.Model), _mixing),
)
