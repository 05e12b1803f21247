"""dlkit arithmetic: formulas and JSON on stdout, mistakes with exit code 2."""

import json

import pytest


def test_every_figure_stands_with_its_formula(dlkit):
    words = "conv --input 227 --kernel 11 --stride 4 --padding 0 --channels 3 --filters 96"
    done = dlkit("arithmetic", *words.split())
    assert done.code == 0
    assert done.out.splitlines() == [
        "output           55x55x96",
        "size             (227 - 11 + 2*0)/4 + 1 = 55",
        "parameters       11*11*3*96 + 96 = 34,944",
        "multiply-adds    55*55*11*11*3*96 = 105,415,200",
        "receptive field  1*(11 - 1) + 1 = 11",
    ]


@pytest.mark.parametrize(
    ("words", "shape", "parameters"),
    [
        ("conv --input 48x64 --kernel 3x5 --padding 1x2 --filters 2", [48, 64, 2], 32),
        ("conv --input 13 --kernel 3 --padding same --channels 384 --filters 384 --groups 2", [13, 13, 384], 663_936),
        ("pool --input 55 --kernel 3 --stride 2 --channels 96", [27, 27, 96], 0),
        ("transposed --input 5 --kernel 3 --stride 2 --padding 1", [9, 9, 1], 10),
        ("transposed --input 5 --kernel 3 --stride 2 --padding same", [10, 10, 1], 10),
        ("separable --input 8 --kernel 3 --padding same --channels 64 --filters 128 --no-bias", [8, 8, 128], 8_768),
        ("atrous --input 65 --kernel 3 --rate 6 --channels 512 --filters 256", [65, 65, 256], 1_179_904),
        ("dense --input 64x64x16 --units 128 --no-bias", [128], 8_388_608),
        ("rnn --input 28 --units 128", [128], 20_096),
        ("lstm --input 1 --units 32", [32], 4_352),
        ("gru --input 28 --units 128", [128], 60_672),
        ("gru --input 28 --units 128 --no-reset-after", [128], 60_288),
    ],
)
def test_kinds_of_layers(dlkit, words, shape, parameters):
    done = dlkit("arithmetic", *words.split(), "--json")
    result = json.loads(done.out)
    assert (result["output_shape"], result["parameters"]["value"]) == (shape, parameters)
    assert set(result) == {"layer", "output_shape", "sizes", "parameters", "multiply_adds", "receptive_field", "notes"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("conv --input 224 --kernel 11 --stride 4", "not a whole number"),
        ("conv --input 2a --kernel 3", "--input '2a' is not a size"),
        ("conv --input 0 --kernel 3", "--input '0' is not a size"),
        ("conv --input 5 --kernel 3 --padding half", "same or valid"),
        ("conv --input 5x5x5 --kernel 3", "--input has 3 numbers"),
        ("transposed --input 2 --kernel 2 --padding 3", "smaller padding"),
    ],
)
def test_mistakes_are_explained(dlkit, words, message):
    done = dlkit("arithmetic", *words.split())
    assert (done.code, done.out) == (2, "")
    assert message in done.error
