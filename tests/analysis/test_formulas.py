"""The lecture's figures: sizes and parameter counts with the numbers put in."""

import pytest

from dlkit.analysis import formulas as arithmetic


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "text", "value"),
    [
        (227, 11, 4, "valid", "(227 - 11 + 2*0)/4 + 1 = 55", 55),
        (32, 3, 1, "same", "(32 - 3 + 2*1)/1 + 1 = 32", 32),
        (55, 3, 2, "valid", "(55 - 3 + 2*0)/2 + 1 = 27", 27),
        (28, 2, 2, "same", "(28 - 2 + 2*0)/2 + 1 = 14", 14),
        (28, 3, 2, "same", "(28 - 3 + 0 + 1)/2 + 1 = 14", 14),
        (28, 3, 2, "valid", "floor((28 - 3 + 2*0)/2 + 1) = 13", 13),
        (224, 7, 2, "same", "(224 - 7 + 2 + 3)/2 + 1 = 112", 112),
    ],
)
def test_window_size(size, kernel, stride, padding, text, value):
    formula = arithmetic.window_size(size, kernel, stride, padding)
    assert (str(formula), formula.value) == (text, value)


@pytest.mark.parametrize(("rate", "reach"), [(1, 3), (2, 5), (6, 13), (12, 25)])
def test_an_atrous_kernel_reaches_as_far_as_deck_003_says(rate, reach):
    assert arithmetic.window_size(100, 3, 1, "valid", rate).value == 100 - reach + 1


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "value"),
    [(28, 2, 2, "valid", 56), (6, 3, 2, "valid", 13), (8, 4, 4, "same", 32)],
)
def test_transposed_size(size, kernel, stride, padding, value):
    assert arithmetic.transposed_size(size, kernel, stride, padding).value == value


@pytest.mark.parametrize(
    ("kernel", "channels", "filters", "with_bias", "without_bias", "separable"),
    [
        (3, 64, 128, 73_856, 73_728, 8_896),
        (3, 3, 32, 896, 864, 155),
        (3, 256, 256, 590_080, 589_824, 68_096),
        (3, 32, 64, 18_496, 18_432, 2_400),
        (5, 64, 128, 204_928, 204_800, 9_920),
    ],
)
def test_convolution_counts_of_the_reference_table(kernel, channels, filters, with_bias, without_bias, separable):
    square = (kernel, kernel)
    assert arithmetic.convolution_parameters(square, channels, filters, 1, bias=True).value == with_bias
    assert arithmetic.convolution_parameters(square, channels, filters, 1, bias=False).value == without_bias
    assert arithmetic.separable_parameters(square, channels, 1, filters, bias=True).value == separable


def test_formulas_read_as_in_the_lecture():
    assert str(arithmetic.convolution_parameters((3, 3), 32, 64, 1, bias=True)) == "3*3*32*64 + 64 = 18,496"
    assert str(arithmetic.convolution_parameters((5, 5), 96, 256, 2, bias=True)) == "5*5*(96/2)*256 + 256 = 307,456"
    assert str(arithmetic.dense_parameters(784, 512, bias=True)) == "784*512 + 512 = 401,920"
    assert str(arithmetic.normalization_parameters(32, centre=True, scale=True)) == "4*32 = 128"
    assert str(arithmetic.depthwise_parameters((3, 3), 64, 1, bias=False)) == "3*3*64 = 576"


@pytest.mark.parametrize(
    ("gates", "inputs", "units", "biases", "value"),
    [
        (1, 28, 128, 1, 20_096),
        (4, 28, 128, 1, 80_384),
        (3, 28, 128, 2, 60_672),
        (3, 28, 128, 1, 60_288),
        (4, 1, 32, 1, 4_352),
    ],
)
def test_recurrent_counts_of_the_reference_table(gates, inputs, units, biases, value):
    assert arithmetic.recurrent_parameters(gates, inputs, units, biases).value == value
