"""What layers cost: known sums of known nets, and what a pixel sees through every kind of layer."""

from math import prod

import keras
import pytest
from keras import layers

from dlkit.analysis.cost import layer_costs, total_cost
from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.formulas import Formula
from dlkit.analysis.reach import Reach, whole_image
from dlkit.analysis.table import Explanation, explain, layer_rows
from dlkit.components.models.unet import unet
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec
from dlkit.model.summary import summarise
from dlkit.recipe import load_recipe


def costs(stack, shape):
    model = keras.Sequential([keras.Input(shape), *stack])
    return model, layer_costs(model)


def test_alexnet_of_the_deck():
    table = summarise(load_recipe("alexnet", ["training.precision=mixed_bfloat16"]), cost=True)
    seen = {row["name"]: row["cost"]["receptive_field"][0] for row in table["layers"]}
    assert [seen[name] for name in ("conv1", "pool1", "conv2", "conv3", "conv5", "pool5", "fc6")] == [
        *(11, 19, 51, 99, 163, 195, 355)
    ]
    first = table["layers"][0]["cost"]
    assert (first["multiply_adds"], first["activation_bytes"]) == (105_415_200, 2 * 55 * 55 * 96)
    assert table["cost"]["multiply_adds"] == 1_135_256_096
    assert table["contract"]["passed"]


@pytest.mark.parametrize(
    ("layer", "multiply_adds", "seen"),
    [
        (layers.Conv2D(4, 3), 6 * 6 * 9 * 3 * 4, 3),
        (layers.Conv2D(4, 3, dilation_rate=2, padding="same"), 8 * 8 * 9 * 3 * 4, 5),
        (layers.Conv2D(6, 1, groups=3), 8 * 8 * 6, 1),
        (layers.DepthwiseConv2D(3, padding="same"), 8 * 8 * 9 * 3, 3),
        (layers.SeparableConv2D(4, 3, padding="same"), 8 * 8 * (9 * 3 + 3 * 4), 3),
        (layers.Conv2DTranspose(4, 4, strides=2), 8 * 8 * 16 * 3 * 4, 2),
        (layers.MaxPooling2D(2), 0, 2),
        (layers.GlobalAveragePooling2D(), 0, 8),
        (layers.Flatten(), 0, 8),
        (layers.UpSampling2D(2), 0, 1),
        (layers.UpSampling2D(2, interpolation="bilinear"), 0, 2),
        (layers.BatchNormalization(), 0, 1),
        (layers.Dense(5), 8 * 8 * 3 * 5, 1),
    ],
)
def test_one_layer_on_eight_pixels_of_three_channels(layer, multiply_adds, seen):
    model, [cost] = costs([layer], (8, 8, 3))
    assert (cost.multiply_adds, cost.receptive_field) == (multiply_adds, [seen, seen])
    size = 1
    for side in model.output_shape[1:]:
        size *= side
    assert cost.activation_bytes == 4 * size


def test_of_several_paths_the_one_that_sees_most_counts():
    inputs = keras.Input((16, 16, 1))
    paths = [layers.Conv2D(1, kernel, padding="same")(inputs) for kernel in (1, 3, 5)]
    outputs = layers.Conv2D(1, 3, padding="same", strides=2)(layers.Concatenate()(paths))
    model = keras.Model(inputs, layers.MaxPooling2D(2)(outputs))
    found = layer_costs(model)
    assert found[-1].receptive_field == [5 + 2 + 2, 5 + 2 + 2]
    assert total_cost(model, found)["receptive_field"] == [9, 9]


def test_a_layer_of_ones_own_says_its_window_itself():
    class Erosion(layers.Layer):
        sliding_window = ((3, 5), (2, 1), (1, 2))

        def call(self, inputs):
            return -keras.ops.max_pool(-inputs[:, :, 4:-4], (3, 1), (2, 1))

    model, [first, second] = costs([Erosion(), layers.Conv2D(1, 3)], (9, 20, 1))
    assert (first.receptive_field, second.receptive_field) == ([3, 9], [3 + 2 * 2, 9 + 2])
    assert [formula.value for formula in explain(model)[0].sizes] == [4, 12]


def test_a_layer_of_ones_own_brings_its_record():
    class Mirror(layers.Layer):
        """The image beside its mirror image: every value sees one row of the whole image."""

        layer_facts = LayerFacts(
            reach=lambda layer, sizes: (Reach(), *whole_image(layer, sizes[1:])),
            parameters=lambda layer: Formula("1", 1),
            multiply_adds=lambda layer: Formula("all pixels", prod(layer.output.shape[1:])),
            notes=lambda layer: ["mirrored"],
        )

        def build(self, input_shape):
            self.weight = self.add_weight(shape=())

        def call(self, inputs):
            return self.weight * keras.ops.concatenate([inputs, inputs[:, :, ::-1]], axis=2)

    model, found = costs([layers.Conv2D(1, 3), Mirror()], (9, 20, 1))
    assert (found[1].multiply_adds, found[1].receptive_field) == (7 * 36, [3, 20])
    assert explain(model)[1] == Explanation([], Formula("1", 1), ["mirrored"])


def test_a_layer_without_a_record_is_unknown():
    class Blur(layers.Layer):
        def call(self, inputs):
            return keras.ops.average_pool(inputs, 3, 1, "same")

    model, found = costs([Blur(), layers.Conv2D(1, 3), layers.Flatten(), layers.Dense(2)], (8, 8, 1))
    assert [cost.receptive_field for cost in found] == [None] * 4
    assert [cost.multiply_adds for cost in found] == [0, 36 * 9, 0, 36 * 2]
    assert explain(model)[0] == Explanation([], None, [])


def test_pooling_with_indices_has_sizes_and_a_receptive_field():
    image, classes = ArraySpec((16, 16, 1), "float32"), TargetSpec((16, 16, 2), ("a", "b"))
    model = unet(image, classes, depth=1, filters=2, upsampling="unpooling")
    names = [row.layer for row in layer_rows(model)]
    pooled, unpooled = names.index("MaxPoolingWithIndices"), names.index("MaxUnpooling")
    assert [formula.value for formula in explain(model)[pooled].sizes] == [8, 8]
    found = layer_costs(model)
    assert (found[pooled].receptive_field, found[unpooled].receptive_field) == ([6, 6], [14, 14])


def test_two_3x3_see_as_much_as_one_5x5_for_fewer_weights():
    model, found = costs([layers.Conv2D(8, 3, use_bias=False) for _ in range(2)], (9, 9, 8))
    assert found[-1].receptive_field == [5, 5]
    assert model.count_params() == 18 * 64 < 25 * 64


def test_what_varies_or_is_not_known_is_said():
    model, found = costs([layers.Conv2D(2, 3)], (None, None, 1))
    assert (found[0].multiply_adds, found[0].activation_bytes, found[0].receptive_field) == (None, None, [3, 3])
    assert total_cost(model, found)["uncounted"] == [model.layers[0].name]
    inputs = keras.Input((5, 4))
    model = keras.Model(inputs, layers.MultiHeadAttention(2, 2, name="attention")(inputs, inputs))
    found = layer_costs(model)
    assert (found[0].multiply_adds, found[0].receptive_field) == (None, None)
    assert total_cost(model, found) == {
        "multiply_adds": 0,
        "activation_bytes": 80,
        "receptive_field": None,
        "uncounted": ["attention"],
    }


def test_recurrent_layers_count_every_step():
    _, found = costs([layers.LSTM(32), layers.Dense(10)], (28, 28))
    assert [cost.multiply_adds for cost in found] == [28 * 4 * 32 * (28 + 32), 320]


def test_recurrent_layers_that_read_a_mask_count_the_same():
    inputs = keras.Input((28, 28))
    mask = keras.ops.not_equal(inputs[..., 0], 0)
    both = layers.Bidirectional(layers.LSTM(32, name="lstm"), name="both")
    found = layer_costs(keras.Model(inputs, both(inputs, mask=mask)))
    assert found[-1].multiply_adds == 2 * 28 * 4 * 32 * (28 + 32)


def test_special_convolutions_are_explained():
    inputs = keras.Input((16, 16, 64))
    x = layers.SeparableConv2D(128, 3, padding="same")(inputs)
    x = layers.Conv2D(64, 1)(x)
    x = layers.Conv2D(96, 3, groups=2, padding="same")(x)
    x = layers.Conv2D(8, 3, dilation_rate=6, padding="same")(x)
    x = layers.Conv2D(8, 3, padding="same")(x)
    found = explain(keras.Model(inputs, layers.DepthwiseConv2D(3)(x)))
    assert [item.notes for item in found] == [
        ["depthwise separable: an ordinary convolution has 3*3*64*128 + 128 = 73,856"],
        ["1x1: a Dense layer from 128 channels to 64 at every pixel"],
        ["grouped: each of 2 groups of 48 filters sees 32 channels"],
        ["atrous: reaches 6*(3 - 1) + 1 = 13 pixels"],
        [],
        ["depthwise: 8 channels, each with its own filters (depth multiplier 1)"],
    ]
    assert str(found[2].parameters) == "3*3*(64/2)*96 + 96 = 27,744"


def test_sequences_of_any_length_cost_what_one_step_costs():
    inputs = keras.Input((None, 6))
    hidden = keras.layers.LSTM(4, return_sequences=True)(keras.layers.Dense(5)(inputs))
    costs = layer_costs(keras.Model(inputs, keras.layers.Bidirectional(keras.layers.GRU(3))(hidden)))
    assert [cost.multiply_adds for cost in costs] == [6 * 5, 4 * (5 + 4) * 4, 2 * 3 * (4 + 3) * 3]
    assert [cost.activation_bytes for cost in costs] == [4 * 5, 4 * 4, 4 * 6]
