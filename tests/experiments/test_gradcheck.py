"""gradcheck: right gradients pass to 1e-6, and each of five planted wrong ones is found and named."""

import re
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.catalog.find import own_names
from dlkit.components.layers.application_preprocessing import ApplicationPreprocessing
from dlkit.components.layers.average_views import AverageViews
from dlkit.components.layers.bilinear_upsampling import BilinearUpsampling
from dlkit.components.layers.blank_padding import BlankPadding
from dlkit.components.layers.cepstral_coefficients import CepstralCoefficients
from dlkit.components.layers.channel_padding import ChannelPadding
from dlkit.components.layers.context_frames import ContextFrames
from dlkit.components.layers.crop_like import CropLike
from dlkit.components.layers.image_level_features import ImageLevelFeatures
from dlkit.components.layers.inference_views import InferenceViews
from dlkit.components.layers.log_mel import LogMel
from dlkit.components.layers.mapped_convolution import MappedConvolution
from dlkit.components.layers.max_pooling_with_indices import MaxPoolingWithIndices
from dlkit.components.layers.max_unpooling import MaxUnpooling
from dlkit.components.layers.patch_whitening import PatchWhitening
from dlkit.components.layers.radial_basis import RadialBasis
from dlkit.components.layers.scaled_tanh import ScaledTanh
from dlkit.components.layers.subsampling import Subsampling
from dlkit.components.layers.tied_dense import TiedDense
from dlkit.components.layers.transposed_convolution import TransposedConvolution
from dlkit.components.losses._class_weighted import ClassWeighted
from dlkit.components.losses.cross_entropy_dice import CrossEntropyDice
from dlkit.components.losses.soft_dice import SoftDice
from dlkit.components.regularizers.l1_per_example import L1PerExample
from dlkit.components.regularizers.l2_per_example import L2PerExample
from dlkit.errors import InputError
from dlkit.experiments.gradcheck import check_network, check_recipe, to_json
from dlkit.model.build import set_precision
from dlkit.recipe import load_recipe

ACTIVATIONS = ("sigmoid", "tanh", "linear", "relu", "softplus", "leaky_relu", "softmax", "hard_sigmoid", "elu", "gelu")
LOSSES = {
    "mean_squared_error": "linear",
    "mean_absolute_error": "linear",
    "binary_crossentropy": "sigmoid",
    "categorical_crossentropy": "softmax",
    "kl_divergence": "softmax",
    "soft_dice": "softmax",
    "cross_entropy_dice": "softmax",
    "class_weighted": "softmax",
}
OWN_LOSSES = {
    "soft_dice": SoftDice,
    "cross_entropy_dice": CrossEntropyDice,
    "class_weighted": lambda: ClassWeighted(keras.losses.CategoricalCrossentropy(), [1.0, 2.0, 0.5]),
}
REGULARIZERS = {
    "l1": lambda: keras.regularizers.L1(0.1),
    "l2": lambda: keras.regularizers.L2(0.1),
    "l1_per_example": lambda: L1PerExample(lambda_=0.3, examples=10),
    "l2_per_example": lambda: L2PerExample(lambda_=0.3, examples=10),
}
LAYERS = {
    "scaled_tanh": lambda: ScaledTanh(),
    "subsampling": lambda: Subsampling(),
    "bilinear_upsampling": lambda: BilinearUpsampling(size=2),
    "transposed_convolution": lambda: TransposedConvolution(filters=3, kernel_size=3, strides=2),
    "convolution": lambda: keras.layers.Conv2D(3, 3, strides=2, padding="same"),
    "max_pooling": lambda: keras.layers.MaxPooling2D(),
    "batch_normalization": lambda: keras.layers.BatchNormalization(),
    "dropout": lambda: keras.layers.Dropout(0.5),
}


@pytest.fixture(autouse=True)
def float64():
    set_precision("float64")
    keras.utils.set_random_seed(0)


def compiled(*layers, shape=(5,), loss="mean_squared_error"):
    """A compiled network of layers, and a batch of four for it."""
    network = keras.Sequential([keras.Input(shape), *layers])
    network = keras.Model(network.inputs, network.outputs)
    network.compile(loss=loss)
    draws = np.random.default_rng(0)
    targets = draws.random((4, *network.outputs[0].shape[1:]))
    targets /= targets.sum(-1, keepdims=True)
    return network, (tf.constant(draws.normal(size=(4, *shape))), tf.constant(targets))


def findings(*layers, **settings):
    """What gradcheck finds for a network of layers."""
    return check_network(*compiled(*layers, **settings), entries=3)


def wrong_parts(*layers, **settings):
    return to_json(findings(*layers, **settings))["wrong"]


def test_activations():
    units = [keras.layers.Activation(name, name=f"act_{name}") for name in ACTIVATIONS]
    found = findings(keras.layers.Dense(3, name="first"), *units, keras.layers.Dense(2, name="last"))
    assert max(finding.compared.error for finding in found) <= 1e-6
    assert {finding.part for finding in found} == {*(unit.name for unit in units), "first", "last", "loss", "network"}


@pytest.mark.parametrize("name", LOSSES)
def test_costs(name):
    loss = OWN_LOSSES[name]() if name in OWN_LOSSES else name
    found = findings(keras.layers.Dense(3, activation=LOSSES[name]), loss=loss)
    assert max(finding.compared.error for finding in found) <= 1e-6
    kind = "categorical_crossentropy" if name == "class_weighted" else name
    assert [finding.kind for finding in found if finding.part == "loss"] == [kind]


def test_regularizers():
    layers = [keras.layers.Dense(3, kernel_regularizer=make(), name=name) for name, make in REGULARIZERS.items()]
    found = findings(*layers)
    assert max(finding.compared.error for finding in found) <= 1e-6
    kinds = {(finding.part, finding.kind) for finding in found}
    assert {(layer.name, type(layer.kernel_regularizer).__name__) for layer in layers} <= kinds


def test_layers_of_images():
    layers = [make() for make in LAYERS.values()]
    found = findings(keras.layers.Conv2D(2, 1, name="first"), *layers, shape=(6, 6, 1))
    assert max(finding.compared.error for finding in found) <= 1e-6
    for layer in layers:
        assert len([finding for finding in found if finding.part == layer.name]) == 1 + len(layer.trainable_variables)


def test_layers_with_several_inputs():
    inputs = keras.Input((4, 4, 1))
    pooled, indices = MaxPoolingWithIndices(name="pool")(inputs)
    unpooled = keras.layers.Flatten()(MaxUnpooling(name="unpool")([pooled, indices]))
    network = keras.Model(inputs, RadialBasis(codes=[[0.5] * 16, [-0.5] * 16], name="codes")(unpooled))
    network.compile(loss="mean_squared_error")
    draws = np.random.default_rng(0)
    found = check_network(network, (tf.constant(draws.normal(size=(2, 4, 4, 1))), tf.ones((2, 2), tf.float64)), 3)
    assert max(finding.compared.error for finding in found) <= 1e-6
    assert {"pool", "unpool", "codes"} <= {finding.part for finding in found}


def test_layers_of_whole_networks():
    """The layers that other tests have not, in one network; in training, views pass through."""
    inputs = keras.Input((6, 6, 3))
    x = InferenceViews(name="views")(ApplicationPreprocessing(backbone="MobileNetV2", name="scaled")(inputs))
    whitened = PatchWhitening(name="whitened")
    x = ChannelPadding(channels=26, name="padded")(whitened(x))
    mapped = MappedConvolution(connections=[[0, 3], [5, 9, 12]], kernel_size=2, name="mapped")(x)
    cropped = CropLike(name="cropped")([x, mapped])
    pooled = keras.layers.GlobalAveragePooling2D(keepdims=True)(cropped)
    x = keras.layers.Concatenate()([ImageLevelFeatures(name="image_level")([pooled, mapped]), mapped])
    x = keras.layers.Flatten()(AverageViews(views=2, name="averaged")(x))
    partner = keras.layers.Dense(3, name="partner")
    tied = TiedDense(name="tied")
    tied.tie(partner)
    network = keras.Model(inputs, tied(partner(x)))
    whitened.adapt([np.random.default_rng(1).normal(size=(20, 6, 6, 3))])
    network.compile(loss="mean_squared_error")
    draws = np.random.default_rng(0)
    batch = (tf.constant(draws.uniform(0, 255, (2, 6, 6, 3))), tf.constant(draws.normal(size=(2, x.shape[-1]))))
    found = check_network(network, batch, 2)
    assert max(finding.compared.error for finding in found) <= 1e-6
    names = {"views", "scaled", "whitened", "padded", "mapped", "cropped", "image_level", "averaged", "partner", "tied"}
    assert names <= {finding.part for finding in found}


def test_features_of_sound_and_the_padding_of_texts():
    inputs = keras.Input((5, 17))
    x = LogMel(num_mel_bins=4, sampling_rate=8000, name="bands")(inputs)
    x = ContextFrames(before=1, after=1, name="context")(CepstralCoefficients(coefficients=3, name="cepstrum")(x))
    network = keras.Model(inputs, BlankPadding(name="blanks")(keras.layers.Dense(3, name="scores")(x)))
    network.compile(loss="mean_squared_error")
    draws = np.random.default_rng(0)
    batch = (tf.constant(draws.uniform(0.5, 2, (2, 5, 17))), tf.constant(draws.normal(size=(2, 5, 3))))
    found = check_network(network, batch, 2)
    assert max(finding.compared.error for finding in found) <= 1e-6
    assert {"bands", "cepstrum", "context", "scores", "blanks"} <= {finding.part for finding in found}


def test_every_component_of_ours_is_checked_here():
    source = Path(__file__).read_text()
    tested = set(re.findall(r"\b([A-Z]\w+)\(", source)) | {"CrossEntropyDice", "SoftDice"}
    for namespace in ("layer", "loss", "regularizer"):
        assert own_names(namespace)
        assert set(own_names(namespace)) <= tested, namespace


def test_complex_steps_where_they_can_be_and_central_differences_elsewhere():
    units = [keras.layers.Activation(name, name=name) for name in ("sigmoid", "silu", "relu", "softplus")]
    first = keras.layers.Dense(3, name="first", kernel_regularizer=keras.regularizers.L2(0.1))
    found = {(f.part, f.kind, f.of): f.compared for f in findings(first, *units)}
    methods = {part: found[part, "Activation", "input"].method for part in ("sigmoid", "silu", "relu", "softplus")}
    central = "central differences"
    assert methods == {"sigmoid": "complex step", "silu": "complex step", "relu": central, "softplus": central}
    assert found["first", "L2", "kernel"].method == "complex step"
    assert found["first", "Dense", "kernel"].method == central
    assert found["sigmoid", "Activation", "input"].error <= 1e-11


def test_a_recipe_with_penalties_and_draws():
    small = ["data.source=digits", "data.resize={height: 28, width: 28}", "data.limit=20", "training.batch_size=2"]
    settings = [*small, "training.precision=float64"]
    found = check_recipe(load_recipe("vae", settings), 1)
    assert max(finding.compared.error for finding in found) <= 1e-6


@tf.custom_gradient
def wrong_square(x):
    return x * x, lambda up: up * x  # forgets the 2


@tf.custom_gradient
def wrong_product(x, kernel):
    return x @ kernel, lambda up: (up @ tf.transpose(kernel), 1.001 * (tf.transpose(x) @ up))


@tf.custom_gradient
def wrong_entry(x, bias):
    def backward(up):
        mask = tf.constant([1.0, 1.0, 0.0], up.dtype)
        return up, tf.reduce_sum(up, 0) * mask  # the last entry is never trained

    return x + bias, backward


@tf.custom_gradient
def wrong_error(expected, predicted):
    error = predicted - expected
    return tf.reduce_mean(error**2, -1), lambda up: (None, -2 * up[:, None] * error / 2)  # the wrong sign


def wrong_loss(expected, predicted):
    return wrong_error(expected, predicted)


@tf.custom_gradient
def wrong_penalty(weights):
    return tf.reduce_sum(tf.abs(weights)), lambda up: up * weights  # that of L2


class Product(keras.layers.Layer):
    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 3), name="kernel")

    def call(self, inputs):
        return wrong_product(inputs, tf.convert_to_tensor(self.kernel))


class Shift(keras.layers.Layer):
    def build(self, shape):
        self.bias = self.add_weight(shape=(3,), name="bias")

    def call(self, inputs):
        return wrong_entry(inputs, tf.convert_to_tensor(self.bias))


class Penalty(keras.regularizers.Regularizer):
    def __call__(self, weights):
        return wrong_penalty(tf.convert_to_tensor(weights))


PLANTED = {
    "activation": ("square (Activation): input", [lambda: keras.layers.Activation(wrong_square, name="square")], {}),
    "kernel": ("product (Product): kernel", [lambda: Product(name="product")], {}),
    "entry": ("shift (Shift): bias", [lambda: Shift(name="shift")], {}),
    "loss": ("loss (wrong_loss): output", [], {"loss": wrong_loss}),
    "regularizer": (
        "last (Penalty): kernel",
        [lambda: keras.layers.Dense(3, kernel_regularizer=Penalty(), name="last")],
        {},
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_wrong_gradient_is_found_and_named(name):
    message, layers, settings = PLANTED[name]
    layers = [keras.layers.Dense(3, name="first"), *(make() for make in layers)]
    assert wrong_parts(*layers, **settings) == [message]


def test_another_precision_is_an_error():
    with pytest.raises(InputError, match="float64 only"):
        check_recipe(SimpleNamespace(recipe=load_recipe("digits_mlp").recipe), 1)
