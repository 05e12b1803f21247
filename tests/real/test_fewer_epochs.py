"""The recipes of few epochs on samples of their real data; docs/results.md has the whole runs."""

import csv
from pathlib import Path

import pytest

SAMPLES = [
    ("mnist_cnn_fast", 0.95, ["data.limit=12000", "training.epochs=1", "training.batch_size=64"]),
    ("cifar_cnn_fast", 0.35, ["data.limit=3000", "training.epochs=2", "training.batch_size=64"]),
    ("cifar_94", 0.25, ["data.limit=1500", "training.epochs=2", "training.batch_size=125"]),
]


@pytest.mark.parametrize(("recipe", "bound", "settings"), SAMPLES, ids=[name for name, *_ in SAMPLES])
def test_a_sample_is_learnt_in_a_few_steps_and_the_export_agrees(as_json, recipe, bound, settings):
    run = as_json("train", recipe, settings=settings)["run"]
    with (Path(run) / "history.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert float(rows[-1]["learning_rate"]) == pytest.approx(0, abs=1e-6)  # the cycle ends with the training
    assert as_json("evaluate", run, "--split", "test")["metrics"]["accuracy"] >= bound
    exported = as_json("export", run, "--rounds", "0")
    assert exported["certificate"]["passed"]
    assert exported["certificate"]["label_agreement"] == 1.0
