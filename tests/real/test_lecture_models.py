"""The lecture's models on their real data, through the command line, to the accuracy that their recipes promise."""

import csv
import os
from pathlib import Path

import pytest


def train_and_evaluate(as_json, recipe, *settings):
    run = as_json("train", recipe, settings=settings)["run"]
    return run, as_json("evaluate", run, "--split", "test")


def history(run):
    with (Path(run) / "history.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_mnist_mlp_reaches_its_contract_and_is_exported(as_json):
    run, evaluation = train_and_evaluate(as_json, "mnist_mlp")
    assert evaluation["metrics"]["accuracy"] >= 0.975
    assert evaluation["contract"]["passed"]
    assert len(history(run)) == 10
    exported = as_json("export", run)
    assert exported["certificate"]["passed"]
    assert as_json("export", "--verify", exported["path"])["certificate"]["label_agreement"] == 1.0


def test_mnist_cnn_after_an_epoch_on_a_third(as_json):
    _, evaluation = train_and_evaluate(as_json, "mnist_cnn", "training.epochs=1", "data.limit=20000")
    assert evaluation["metrics"]["accuracy"] >= 0.95


@pytest.mark.parametrize(("recipe", "bound"), [("cifar_cnn_plain", 0.35), ("cifar_cnn", 0.25)])
def test_cifar_learns_from_a_sample(as_json, recipe, bound):
    """Three epochs on 4,000 images, for time; docs/results.md has the long runs.

    Batches of 25 make enough steps for the running means of batch normalisation to follow.
    """
    settings = ("training.epochs=3", "training.batch_size=25", "data.limit=4000")
    run, evaluation = train_and_evaluate(as_json, recipe, *settings)
    assert max(float(row["val_accuracy"]) for row in history(run)) >= bound
    assert evaluation["contract"]["passed"]  # its bound is not checked, because the recipe is overridden


def test_photos_in_folders(as_json, photos):
    source = f"data.source.image_folder.directory={photos}"
    settings = (source, "data.validation={split: validation}", "training.epochs=4")
    run = as_json("train", "image_folder_cnn", settings=settings)["run"]
    assert as_json("evaluate", run, "--split", "validation")["metrics"]["accuracy"] >= 0.5
    exported = as_json("export", run)
    sizes = ("samples", "samples of twice the size")
    endpoints = ("serving_default", "serve_encoded")
    assert set(exported["certificate"]["checks"]) == {f"{name} on {size}" for name in endpoints for size in sizes}
    answers = as_json("predict", photos / "val" / "bees", "--run", run)
    assert len(answers) == 83
    assert {answer["label"] for answer in answers} <= {"ants", "bees"}


def test_unet_finds_membranes(as_json, tmp_path):
    """Two short epochs, for time; docs/results.md has the whole run. Then one held-out scan by tiles."""
    scans = Path(os.environ["DLKIT_SHARED"]) / "data" / "isbi2012"
    source = f"data.source.image_mask_folder.directory={scans / 'train'}"
    run, evaluation = train_and_evaluate(as_json, "unet", source, "training.epochs=2")
    assert evaluation["metrics"]["accuracy"] >= 0.84
    assert evaluation["metrics"]["dice"] >= 0.6
    tiled = as_json("evaluate", run, "--split", "test", "--tile", "192")
    assert tiled["metrics"]["accuracy"] == pytest.approx(evaluation["metrics"]["accuracy"], abs=1e-4)
    scan = min((scans / "test" / "image").iterdir())
    [predicted] = as_json("predict", scan, "--run", run, "--output", tmp_path / "masks", "--tile", "200")
    assert Path(predicted["picture"]).is_file()
    assert 0.1 < predicted["shares"]["membrane"] < 0.4
