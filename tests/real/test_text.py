"""The sentences of Pang and Lee (rt-polarity): their encoding, what a vocabulary covers, and a first classifier."""

import os
from pathlib import Path

import pytest


@pytest.fixture
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


def test_a_bag_of_words_learns_in_two_epochs(as_json, sentences):
    run = as_json("train", "reviews_bow", settings=(sentences, "training.epochs=2"))["run"]
    found = as_json("evaluate", run)
    assert found["metrics"]["accuracy"] > 0.7
    assert as_json("export", run)["certificate"]["label_agreement"] == 1.0
