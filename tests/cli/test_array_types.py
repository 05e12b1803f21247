"""Scans of 12 bits, resized, from training to the exported artefact, and data of another kind on the way."""

import json

import numpy as np
import pytest

RECIPE = """
recipe: 1
name: scans
task: classification
data:
  source: {arrays: {train: train.npz, test: test.npz, classes: 2}}
  validation: {fraction: 0.2}
  resize: {height: 4, width: 4}
  preprocess: [Flatten, Normalization]
model: {sequential: {layers: [{Dense: {units: 2, activation: softmax}}]}}
training: {epochs: 4, optimizer: {Adam: {learning_rate: 0.1}}}
"""
Y = np.arange(60) % 2
X = (
    np.random.default_rng(0).normal(2_000, 200, (60, 6, 6, 1)).astype(np.uint16)
    + (1_000 * Y).astype(np.uint16)[:, None, None, None]
)


@pytest.fixture
def scans(tmp_path, monkeypatch):
    """The recipe, and a function that saves a split; the runs stay here."""
    (tmp_path / "scans.yaml").write_text(RECIPE)

    def save(split, x, y=Y):
        np.savez(tmp_path / f"{split}.npz", x=x, y=y)

    save("train", X)
    save("test", X)
    return save


def test_values_beyond_8_bits_are_the_same_everywhere(scans, dlkit, tmp_path, reload_here):
    runs = ("--runs-dir", tmp_path / "runs")
    assert dlkit("train", "scans.yaml", *runs).code == 0
    assert json.loads(dlkit("evaluate", *runs, "--json").out)["metrics"]["accuracy"] == 1.0
    certificate = json.loads(dlkit("export", *runs, "--json").out)["certificate"]
    assert set(certificate["checks"]) == {
        "serving_default on samples",
        "serving_default on samples of twice the size",
    }
    np.savez(tmp_path / "x.npz", x=X.repeat(2, axis=1).repeat(2, axis=2))
    answers = json.loads(dlkit("predict", "x.npz", *runs, "--json").out)
    assert [int(answer["label"]) for answer in answers] == Y.tolist()
    for other, message in [
        (X > 2_500, "x is bool, but the model takes uint16"),
        (X.astype("i4") * 32, "x is int32 with values from"),
        (X / 4096, "x is float64, but the model takes uint16"),
    ]:
        scans("test", other)
        for arguments in (("evaluate",), ("predict", "test.npz")):
            code, _, error = dlkit(*arguments, *runs)
            assert code == 2
            assert message in error
    scans("test", X[..., 0])
    code, _, error = dlkit("evaluate", *runs)
    assert code == 2
    assert "x has the shape [60, 6, 6], but that of train is [60, 6, 6, 1]" in error


def test_a_split_of_another_size_is_an_error_where_nothing_resizes_it(scans, dlkit, tmp_path):
    runs = ("--runs-dir", tmp_path / "runs")
    assert dlkit("train", "scans.yaml", *runs, "--set", "data.resize=null", "--set", "training.epochs=1").code == 0
    scans("test", X[:, :5])
    code, _, error = dlkit("evaluate", *runs)
    assert code == 2
    assert "the inputs of test are uint16 of shape [5, 6, 1], but the network takes uint16 of [6, 6, 1]" in error


def test_booleans_are_not_resized_and_empty_examples_are_refused(scans, dlkit):
    scans("train", X > 2_500)
    code, _, error = dlkit("train", "scans.yaml")
    assert code == 2
    assert "data.resize: booleans cannot be resized" in error
    scans("train", np.zeros((60, 0)))
    code, _, error = dlkit("train", "scans.yaml")
    assert code == 2
    assert "x has the shape [60, 0], which contains no values" in error
