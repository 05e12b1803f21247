"""dlkit worked: numbers from the command line, files and images; text, JSON and figures; mistakes explained."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from dlkit.worked.find import described, names

DRAWN = ("neuron", "transposed", "unpool", "backprop")  # one of each shape: drawing takes time


def test_every_example_has_text_json_and_a_figure(dlkit, tmp_path):
    assert len(names()) == 18
    for name in names():
        drawn = ["--figure", f"{name}.png"] if name in DRAWN else []
        done = dlkit("worked", name, "--json", *drawn)
        assert done.code == 0, done.error
        shown = json.loads(done.out)
        assert set(shown) == {"example", "figure", "title", "grids", "results", "notes"}
        for path in drawn[1:]:
            with Image.open(path) as image:
                assert image.size == (1280, 720)
        assert shown["title"] in dlkit("worked", name).out


def test_the_defaults_can_be_written_as_they_are_listed(dlkit):
    for name in names():
        settings = [f"{key}={value}" for key, value in described(name)["settings"].items() if value]
        assert dlkit("worked", name, *settings, "--json").out == dlkit("worked", name, "--json").out
    assert "    stride=2" in dlkit("worked").out.splitlines()
    assert {item["name"] for item in json.loads(dlkit("worked", "--json").out)} == set(names())


def test_the_arithmetic_of_a_pixel_is_shown(dlkit):
    done = dlkit("worked", "conv")
    assert "output[0, 0]: (-1)*0 + (-1)*0 + 5*105 + (-1)*102 + (-1)*103 = 320" in done.out.splitlines()
    assert "320  198  281" in done.out


def test_long_tables_show_their_first_and_last_rows(dlkit):
    lines = dlkit("worked", "neuron").out.splitlines()
    assert [line.split()[:2] for line in lines if line.split()[:1] == ["687"]] == [["687", "0.009990960773269891"]]
    assert not [line for line in lines if line.split()[:1] == ["300"]]
    assert len(json.loads(dlkit("worked", "neuron", "--json").out)["grids"][1]["values"]) == 688


@pytest.mark.parametrize("text", ["1 2; 3 4", "1,2;3,4", "[[1,2],[3,4]]", "n.csv", "n.txt", "n.npy"])
def test_numbers_are_written_in_several_ways(dlkit, tmp_path, text):
    (tmp_path / "n.csv").write_text("1,2\n3,4\n")
    (tmp_path / "n.txt").write_text("1 2\n3 4")
    np.save(tmp_path / "n.npy", np.array([[1, 2], [3, 4]], "int16"))
    done = dlkit("worked", "upsample", f"input={text}", "--json")
    assert json.loads(done.out)["grids"][0]["values"] == [[1, 2], [3, 4]]


def test_an_image_and_a_file_of_settings(dlkit, tmp_path):
    grey = np.zeros((30, 40), np.uint8)
    grey[:, 20:] = 255
    Image.fromarray(grey).convert("RGB").save(tmp_path / "photo.png")
    (tmp_path / "mine.yaml").write_text("input: photo.png\nkernel: [[1, 0, -1]]\n")
    done = dlkit("worked", "edges", "--file", "mine.yaml", "--figure", "edges.svg", "--dark")
    assert "30x40 numbers from -255 to 255; --json prints them" in done.out
    assert (tmp_path / "edges.svg").read_bytes().startswith(b"<?xml")
    done = dlkit("worked", "edges", "--file", "mine.yaml", "kernel=1 0 0", "--json")
    assert json.loads(done.out)["grids"][1]["values"] == [[1, 0, 0]]


def test_a_figure_on_black_is_black(dlkit, tmp_path):
    for name, options, corner in (("light", [], 255), ("dark", ["--dark"], 0)):
        dlkit("worked", "pool", "--figure", f"{name}.png", *options)
        with Image.open(tmp_path / f"{name}.png") as image:
            assert image.convert("L").getpixel((1279, 719)) == corner


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["convv"], "unknown example 'convv'"),
        (["conv", "strides=1"], "unknown setting 'strides'"),
        (["conv", "stride"], "'stride' is not NAME=NUMBERS"),
        (["conv", "stride=1", "stride=2"], "stride is given twice"),
        (["conv", "stride=1.5"], "stride '1.5' is not a whole number"),
        (["conv", "stride=0"], "stride is 0"),
        (["conv", "stride=3"], "a window of 3 with a stride of 3 does not fill 7 pixels: (7 - 3)/3 + 1 = 2.333"),
        (["conv", "padding=-1"], "padding is -1"),
        (["conv", "at=9 9"], "at [9, 9] is outside of the output [3, 3]"),
        (["conv", "kernel=1 2; 3"], "kernel is not a table of numbers with rows of equal length"),
        (["conv", "kernel=nan"], "kernel contains NaN or infinity"),
        (["conv", "kernel="], "kernel is empty"),
        (["conv", "kernel=[[1"], "kernel '[[1' is not JSON"),
        (["conv", "input=no.csv"], "no.csv"),
        (["conv", "input=vertical"], "input 'vertical' is neither numbers nor a file"),
        (["conv", "--figure", "a.gif"], "--figure a.gif is neither a .png nor an .svg file"),
        (["conv", "flip=maybe"], "flip 'maybe' is not allowed"),
        (["neuron", "rows=1 2 3"], "the last column of rows is not a label 0 or 1"),
        (["neuron", "weights=1 2"], "rows have 2 inputs and a label, but there are 2 weights"),
        (["edges", "kernel=1 2"], "both sides must be odd"),
        (["transposed", "padding=3"], "padding 3 leaves no output"),
        (["softmax", "target=9"], "target is 9, but the classes are 0 to 4"),
        (["cross-entropy", "p=0.5"], "t has 4 numbers, but p has 1"),
        (["cross-entropy", "p=2 0 0 0"], "p is not between 0 and 1: 0 to 2"),
        (["cross-entropy", "p=0 0 1 1"], "-ln 0 is infinite"),
        (["dice", "t=0 0", "p=0 0"], "Dice is 0/0"),
        (["kl", "p=1 1 1"], "p is not a distribution: its sum is 3"),
        (["dropout", "rate=1"], "rate is 1"),
        (["batchnorm", "gamma=1 2 3"], "gamma has 3 numbers for 2 features"),
        (["rnn", "w_rec=1 2"], "do not fit"),
        (["rnn", "activation=tan"], "did you mean 'tanh'?"),
        (["gru", "bias=1"], "kernel [1, 3], recurrent_kernel [1, 3] and bias [1, 1] do not fit"),
        (["lstm", "bias=1"], "kernel [1, 4], recurrent_kernel [1, 4] and bias [1] do not fit"),
        (["backprop", "weights=1 2 | 3"], "layer 1 has weights [1, 2]"),
        (["backprop", "cost=cross-entropy", "activation=tanh"], "cross-entropy needs outputs of a sigmoid"),
    ],
)
def test_mistakes_are_explained(dlkit, words, message):
    done = dlkit("worked", *words)
    assert (done.code in (2, 3), done.out) == (True, "")
    assert message in done.error


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.yaml", "- 1\n", "a.yaml is not a mapping of settings"),
        ("a.yaml", "{", "a.yaml is not YAML"),
        ("a.csv", "a,b\n1,2\n", "a.csv contains more than numbers"),
        ("a.npy", "no array", "a.npy is not a readable .npy file"),
        ("a.png", "no image", "a.png"),
    ],
)
def test_broken_files_are_explained(dlkit, tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    words = ["--file", name] if name.endswith("yaml") else [f"input={name}"]
    done = dlkit("worked", "conv", *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.error


def test_nothing_heavy_is_imported(tmp_path):
    code = """
import sys
from dlkit.cli import main
sys.argv = ["dlkit", "worked", "backprop"]
try:
    main()
except SystemExit as stopped:
    assert not stopped.code
print([name for name in ("tensorflow", "keras", "matplotlib", "sklearn") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
