"""dlkit plot: files, titles, options and mistakes; foreign runs are checked before they are opened."""

import json
import shutil

import pytest
from PIL import Image

from dlkit.plots.find import described, names


def test_pictures_without_a_subject(dlkit, tmp_path):
    done = dlkit("plot", "neuron", "--output", "here", "--json")
    assert done.code == 0, done.error
    files = json.loads(done.out)["files"]
    assert files == [
        f"here/neuron-{what}.{ending}" for what in ("decision", "loss", "surface") for ending in ("png", "svg")
    ]
    with Image.open(tmp_path / files[0]) as image:
        assert image.size == (1280, 720)
    assert "Decision line" in (tmp_path / files[1]).read_text() or (tmp_path / files[1]).stat().st_size > 10_000


def test_the_list_names_every_picture_with_its_options(dlkit):
    listed = {item["name"]: item for item in json.loads(dlkit("plot", "--json").out)}
    assert set(listed) == set(names())
    assert listed["filters"] == described("filters")
    assert listed["filters"]["options"] == ["layer"]
    assert listed["curves"]["of"] == "runs"
    assert "feature-maps" in dlkit("plot").out


@pytest.fixture
def copy(trained_run, tmp_path):
    """A run from elsewhere."""
    folder = tmp_path / "foreign" / "run"
    shutil.copytree(trained_run.path, folder)
    return folder


def test_a_run_gives_files_with_its_name(dlkit, copy, tmp_path):
    done = dlkit("plot", "filters", copy, "--dark")
    assert done.out.splitlines() == [
        f"written  figures/digits_mlp-filters-dense.{ending}" for ending in ("png", "svg")
    ], done.error
    with Image.open(tmp_path / "figures/digits_mlp-filters-dense.png") as image:
        assert image.convert("L").getpixel((0, 719)) == 0


def test_a_foreign_run_passes_the_checks_of_evaluate(dlkit, copy, tmp_path):
    (copy / "last.keras").write_bytes(b"\x80\x04 a pickle")
    assert dlkit("plot", "filters", copy).code == dlkit("evaluate", copy).code == 2
    (copy / "last.keras").unlink()
    (tmp_path / "outside").write_bytes(b"")
    (copy / "last.keras").symlink_to(tmp_path / "outside")
    for verb in (["plot", "filters"], ["plot", "curves"], ["evaluate"]):
        done = dlkit(*verb, copy)
        assert done.code == 2
        assert "symbolic link out of" in done.error
    assert not (tmp_path / "figures").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["filter"], "did you mean 'filters'?"),
        (["neuron", "digits_mlp"], "plot neuron needs no recipe or run, but got 'digits_mlp'"),
        (["network"], "plot network needs one RECIPE or RUN, but got 0"),
        (["filters", "a", "b"], "plot filters needs one RUN, but got 2"),
        (["activations", "--layer", "x"], "plot activations does not use --layer"),
        (["saliency", "--split", "test"], "unknown --split 'test'"),
        (["augmentations", "digits_mlp"], "recipe digits_mlp does not augment"),
    ],
)
def test_mistakes_are_explained(dlkit, words, message):
    done = dlkit("plot", *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["filters", "--layer", "dens"], "did you mean 'dense'?"),
        (["feature-maps"], "no layer of the network gives feature maps"),
        (["predictions", "--example", "9999"], "--example 9999 is not in validation"),
        (["curves", "--metric", "los"], "did you mean 'loss'?"),
    ],
)
def test_what_a_run_lacks_is_said(dlkit, trained_run, words, message):
    done = dlkit("plot", words[0], trained_run.path, *words[1:])
    assert (done.code, done.out) == (2, "")
    assert message in done.error
