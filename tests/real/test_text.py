"""The sentences of Pang and Lee (rt-polarity): their encoding, what a vocabulary covers, and a first classifier."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def sentences():
    return f"data.source.text_lines.directory={Path(os.environ['DLKIT_SHARED']) / 'data' / 'rt-polarity'}"


def test_the_sentences_are_those_that_were_published(as_json, sentences):
    found = as_json("data", "reviews_cnn", settings=(sentences,))
    counts = {name: split["examples"] for name, split in found["splits"].items()}
    assert counts == {"train": 8635, "validation": 960, "test": 1067}
    assert found["exact_duplicates"]["within"] == {"train": 0, "validation": 0, "test": 0}
    words = found["words"]["text"]
    assert 17_000 < words["vocabulary"] == words["distinct_in_train"] < 20_000
    assert words["splits"]["train"]["coverage"] == 1
    assert 0.9 < words["splits"]["test"]["coverage"] < 1
    assert words["splits"]["train"]["words_per_text"]["longest"] == 59


def test_a_wrong_encoding_is_an_error_with_its_line(dlkit, sentences):
    done = dlkit("data", "reviews_bow", "--set", sentences, "--set", "data.source.text_lines.encoding=utf-8")
    assert done.code == 2
    assert "cannot be read as utf-8" in done.error


@pytest.fixture(scope="module")
def words_run(sentences, silent, tmp_path_factory):
    """A run of reviews_bow, two epochs."""
    from dlkit.recipe import load_recipe
    from dlkit.training.run import train_recipe

    loaded = load_recipe("reviews_bow", [sentences, "training.epochs=2"])
    return train_recipe(loaded, tmp_path_factory.mktemp("runs"), silent()).run.path


def test_a_bag_of_words_learns_in_two_epochs(as_json, words_run):
    found = as_json("evaluate", words_run)
    assert found["metrics"]["accuracy"] > 0.7
    assert as_json("export", words_run)["certificate"]["label_agreement"] == 1.0


@pytest.mark.parametrize("format_name", ["code", "litert", "onnx"])
def test_a_bag_of_words_is_exported_with_its_words_inside_or_beside_it(as_json, words_run, format_name):
    found = as_json("export", words_run, "--format", format_name, "--rounds", "0")
    assert found["certificate"]["label_agreement"] == 1.0
    assert found["certificate"]["validation"]["examples"] == 960


def test_words_in_both_directions_are_exported(as_json, sentences):
    settings = (sentences, "training.epochs=1", "data.limit=1000")
    run = as_json("train", "reviews_lstm", settings=settings)["run"]
    for format_name in ("code", "onnx"):
        found = as_json("export", run, "--format", format_name, "--rounds", "0", "--examples", "50")
        assert found["certificate"]["label_agreement"] == 1.0
