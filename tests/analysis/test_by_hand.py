"""The lectures' worked sizes and counts, and the nearest settings where a size is no whole number."""

import keras
import pytest

from dlkit.analysis.by_hand import Window, convolution, dense, pooling, recurrent, separable, transposed
from dlkit.errors import InputError


def window(size, kernel, stride=1, padding=0, dilation=1):
    return Window((size, size), (kernel, kernel), (stride, stride), (padding, padding), dilation)


@pytest.mark.parametrize(
    ("size", "channels", "kernel", "filters", "stride", "padding", "side", "parameters"),
    [
        (227, 3, 11, 96, 4, 0, 55, 34_944),
        (27, 96, 5, 256, 1, 2, 27, 614_656),
        (13, 256, 3, 384, 1, 1, 13, 885_120),
        (13, 384, 3, 384, 1, 1, 13, 1_327_488),
        (13, 384, 3, 256, 1, 1, 13, 884_992),
        (6, 256, 6, 4096, 1, 0, 1, 37_752_832),
        (64, 16, 1, 8, 1, 0, 64, 136),
        (32, 3, 3, 32, 1, "same", 32, 896),
    ],
)
def test_the_convolutions_of_deck_000_and_002(size, channels, kernel, filters, stride, padding, side, parameters):
    worked = convolution(window(size, kernel, stride, padding), channels, filters)
    assert worked.output_shape == (side, side, filters)
    assert worked.parameters.value == parameters
    weights = parameters - filters
    assert worked.multiply_adds.value == side * side * weights


@pytest.mark.parametrize(("size", "side"), [(55, 27), (27, 13), (13, 6)])
def test_the_poolings_of_alexnet(size, side):
    worked = pooling(window(size, 3, 2), 96)
    assert worked.output_shape == (side, side, 96)
    assert (worked.parameters.value, worked.multiply_adds.value) == (0, 0)


@pytest.mark.parametrize(("rate", "reach"), [(1, 3), (2, 5), (6, 13), (12, 25)])
def test_atrous_kernels_reach_further_with_the_same_parameters(rate, reach):
    worked = convolution(window(65, 3, 1, "same", rate), 512, 256)
    assert [formula.value for formula in worked.receptive_field] == [reach, reach]
    assert (worked.output_shape, worked.parameters.value) == ((65, 65, 256), 1_179_904)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "side"),
    [
        (2, 3, 1, 0, 4),
        (4, 3, 1, 0, 6),
        (5, 3, 2, 1, 9),
        (28, 2, 2, 0, 56),
        (7, 4, 2, 1, 14),
        (8, 4, 4, 0, 32),
        (6, 3, 2, 0, 13),
    ],
)
def test_transposed_sizes_of_deck_003(size, kernel, stride, padding, side):
    worked = transposed(window(size, kernel, stride, padding), 1, 1)
    assert worked.output_shape == (side, side, 1)
    note = f"{stride - 1} zeros between pixels, {kernel} - {padding} - 1 = {kernel - padding - 1} around, stride 1"
    assert worked.notes[0].endswith(note)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (2, 2), (4, 2), (2, 3)])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_transposed_sizes_are_those_of_keras(kernel, stride, padding):
    layer = keras.layers.Conv2DTranspose(1, kernel, strides=stride, padding=padding)
    outputs = layer(keras.ops.zeros((1, 5, 5, 1)))
    assert transposed(window(5, kernel, stride, padding), 1, 1).output_shape == tuple(outputs.shape[1:])


@pytest.mark.parametrize(
    ("kernel", "channels", "filters", "ordinary", "with_bias", "without"),
    [
        (3, 64, 128, 73_856, 8_896, 8_768),
        (3, 3, 32, 896, 155, 123),
        (3, 256, 256, 590_080, 68_096, 67_840),
        (3, 32, 64, 18_496, 2_400, 2_336),
        (5, 64, 128, 204_928, 9_920, 9_792),
    ],
)
def test_separable_convolutions_of_deck_003(kernel, channels, filters, ordinary, with_bias, without):
    for bias, count in ((True, with_bias), (False, without)):
        worked = separable(window(16, kernel, 1, "same"), channels, filters, bias=bias)
        assert worked.parameters.value == count
        assert worked.multiply_adds.value == 16 * 16 * without
    assert separable(window(16, kernel, 1, "same"), channels, filters).notes[0].endswith(f"= {ordinary:,}")
    deck = (kernel**2 + 1) * channels * filters  # the deck counts a bias for each input channel, see its errors
    assert deck - ordinary == channels * filters - filters


def test_grouped_convolutions_say_what_a_filter_sees():
    worked = convolution(window(27, 5, 1, 2), 96, 256, groups=2)
    assert (worked.parameters.value, worked.multiply_adds.value) == (307_456, 27 * 27 * 307_200)
    assert worked.notes == ("each of 2 groups of 128 filters sees 48 of 96 channels",)
    with pytest.raises(InputError, match="96 channels cannot be divided into 5 groups"):
        convolution(window(27, 5, 1, 2), 96, 250, groups=5)


def test_the_dense_example_of_deck_002_and_its_two_ways_to_shrink_it():
    assert dense((64, 64, 16), 128, bias=False).parameters.value == 8_388_608
    assert dense((32, 32, 16), 128, bias=False).parameters.value == 2_097_152  # the deck says 4M
    assert dense((32, 32, 8), 128, bias=False).parameters.value == 1_048_576  # the deck says 2M


@pytest.mark.parametrize(
    ("outputs", "bias", "count"), [(1, False, 584), (2, False, 592), (1, True, 625), (2, True, 634)]
)
def test_the_mlp_of_deck_002(outputs, bias, count):
    layers = (dense((10,), 32, bias), dense((32,), 8, bias), dense((8,), outputs, bias))
    assert sum(layer.parameters.value for layer in layers) == count


@pytest.mark.parametrize(
    ("gates", "inputs", "units", "biases", "count"),
    [
        (1, 28, 128, 1, 20_096),
        (1, 1, 32, 1, 1_088),
        (4, 28, 128, 1, 80_384),
        (4, 1, 32, 1, 4_352),
        (3, 28, 128, 2, 60_672),
        (3, 28, 128, 1, 60_288),
    ],
)
def test_recurrent_layers(gates, inputs, units, biases, count):
    worked = recurrent("rnn", gates, inputs, units, steps=5, biases=biases)
    assert worked.parameters.value == count
    assert worked.multiply_adds.value == 5 * (count - gates * units * biases)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "hint"),
    [
        (224, 11, 4, 0, "--input 223 or 227, --stride 3"),
        (224, 7, 2, 1, "--input 223 or 225, --stride 1"),
        (10, 3, 4, 0, "--input 11 or 7, --stride 1"),
        (6, 3, 5, 0, "--input 8 or 3, --padding 1, --stride 3"),
    ],
)
def test_the_nearest_settings_that_fit_are_proposed_and_fit(size, kernel, stride, padding, hint):
    with pytest.raises(InputError, match="not a whole number of pixels") as raised:
        convolution(window(size, kernel, stride, padding), 1, 1)
    proposed = raised.value.problems[0].hint.removeprefix("nearest that fit: ").partition(";")[0]
    assert proposed == hint
    for part in proposed.split(", "):
        name, value, *others = part.replace(" or ", " ").split()
        for number in map(int, (value, *others)):
            settings = {"size": size, "kernel": kernel, "stride": stride, "padding": padding}
            key = {"--input": "size"}.get(name, name.removeprefix("--"))
            assert convolution(window(**settings | {key: number}), 1, 1).output_shape[0] >= 1


def test_rounding_down_and_same_need_no_whole_number():
    assert convolution(window(224, 11, 4), 1, 1, round_down=True).output_shape == (54, 54, 1)
    assert convolution(window(224, 11, 4, "same"), 1, 1).output_shape == (56, 56, 1)


def test_a_window_that_is_too_large_is_explained():
    with pytest.raises(InputError, match="a window of 7 pixels does not fit into 5") as raised:
        pooling(window(5, 7), 1)
    assert raised.value.problems[0].hint == "nearest that fits: --input 7, or --padding 1"
    assert pooling(window(5, 7, 1, 1), 1).output_shape == (1, 1, 1)


def test_a_transposed_convolution_with_much_padding_cuts_pixels_off():
    (note, *_) = transposed(window(5, 3, 1, 3), 1, 1).notes
    assert note == "as a convolution: 0 zeros between pixels, 1 pixel cut off on each side (3 - 3 - 1 = -1), stride 1"
    (note, *_) = transposed(window(9, 2, 1, 3), 1, 1).notes
    assert "2 pixels cut off on each side (2 - 3 - 1 = -2)" in note
