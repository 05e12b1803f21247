"""Plain Keras code rebuilds networks of every shape: residual, shared, nested, recurrent, with operations and masks."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from dlkit.components.exporters._keras_code import Lines, write_model
from dlkit.components.layers._sampling import Sampling
from dlkit.components.layers.average_views import AverageViews
from dlkit.components.layers.inference_views import InferenceViews
from dlkit.components.layers.scaled_tanh import ScaledTanh
from dlkit.components.layers.tied_dense import TiedDense
from dlkit.interfaces.exporter import RefusedError


def rebuilt(model):
    """The model that the code for another builds, with its weights, and the code."""
    code = Lines()
    given = [f"given{number}" for number in range(len(model.inputs))]
    names = write_model(code, model, given)
    space = {"keras": keras, "layers": layers, "ops": ops, "np": np}
    for text in code.classes.values():
        exec(text, space)
    for name, tensor in zip(given, model.inputs, strict=True):
        space[name] = keras.Input(tensor.shape[1:], dtype=tensor.dtype)
    exec("\n".join(code.lines), space)
    copy = keras.Model(space[given[0]], [space[name] for name in names])
    for name, layer in code.layers.items():
        copy.get_layer(name).set_weights(layer.get_weights())
    return copy, "\n".join(code.lines)


def check(model, array):
    """The rebuilt model gives the same answers; return its code."""
    copy, text = rebuilt(model)
    for found, wanted in zip(keras.tree.flatten(copy(array)), keras.tree.flatten(model(array)), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    return text


IMAGES = np.random.default_rng(0).normal(size=(3, 6, 6, 4)).astype("float32")


def test_residual_blocks_shared_layers_and_operations():
    inputs = keras.Input((6, 6, 4))
    shared = layers.Conv2D(4, 3, padding="same", activation="gelu")
    left, right = shared(inputs), shared(inputs * 2.0)
    total = layers.Add()([left, layers.BatchNormalization(epsilon=0.01)(right)])
    cut = ops.concatenate([total[:, 1:5, :, :2], ops.relu(total[:, :4, ..., 2:])], axis=-1)
    outputs = layers.Dense(3, activation=layers.LeakyReLU(0.3))(ops.mean(cut, axis=(1, 2)))
    text = check(keras.Model(inputs, outputs), IMAGES)
    assert text.count("layers.Conv2D(") == 1
    assert "x2[:, 1:5, :, :2]" in text.replace("x4", "x2").replace("x5", "x2").replace("x6", "x2")
    assert "layers.BatchNormalization(epsilon=0.01, name='batch_normalization" in text
    assert "# [6, 6, 4]  148" in text


def test_nested_networks_with_layers_of_the_same_names():
    def block(name):
        inner = keras.Input((4,))
        return keras.Model(inner, layers.Dense(4, name="same")(inner), name=name)

    inputs = keras.Input((4,))
    text = check(keras.Model(inputs, block("b")(block("a")(inputs))), IMAGES[:, 0, 0])
    assert "name='same'" in text
    assert "name='same_2'" in text


def test_recurrent_layers_with_masks_and_several_outputs():
    steps = keras.Input((None, 4))
    mask = ops.any(ops.not_equal(steps, 0.0), axis=-1)
    both = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(steps, mask=mask)
    both = ops.where(ops.expand_dims(mask, -1), both, ops.cast(0.5, "float32"))  # a constant tensor
    outputs, state = layers.GRU(2, return_state=True)(both, mask=mask)
    series = IMAGES[:, 0].copy()
    series[0, 3:] = 0
    text = check(keras.Model(steps, [outputs, state]), series)
    assert "layers.Bidirectional(layers.LSTM(3, return_sequences=True" in text
    assert text.count(", mask=x2)") == 2


def test_layers_of_dlkit_bring_their_source_without_dlkit():
    inputs = keras.Input((4,))
    code = layers.Dense(2)(inputs), layers.Dense(2)(inputs)
    check(keras.Model(inputs, ScaledTanh()(Sampling()(code))), IMAGES[:, 0, 0])
    images = keras.Input((6, 6, 4))
    seen = layers.Flatten()(InferenceViews(horizontal_flip=True)(images))
    check(keras.Model(images, AverageViews(views=2)(layers.Dense(2)(seen))), IMAGES)


def test_what_needs_more_of_dlkit_is_refused():
    inputs = keras.Input((4,))
    first = layers.Dense(2, name="first")
    tied = TiedDense()
    tied.tie(first)
    with pytest.raises(RefusedError, match="layer TiedDense is dlkit's own and needs"):
        rebuilt(keras.Model(inputs, tied(first(inputs))))
