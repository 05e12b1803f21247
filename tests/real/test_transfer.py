"""Ants and bees on the real MobileNetV2 weights, head only; the page about transfer with the whole network."""

import runpy
from pathlib import Path

PAGE = runpy.run_path(str(Path(__file__).parents[1] / "test_transfer_page.py"))


def test_a_head_on_pretrained_features_knows_ants_from_bees(as_json, photos):
    weights = photos.parent / "weights" / "mobilenet_v2_0.35_224_imagenet_notop.h5"
    settings = [
        f"data.source.image_folder.directory={photos}",
        "data.validation={split: validation}",
        "training.phases=[{epochs: 20, trainable: [head]}]",
        "expect={}",
    ]
    good = as_json("train", "mobilenet_photos", settings=[*settings, f"model.pretrained.weights={weights}"])
    random = as_json("train", "mobilenet_photos", settings=[*settings, "model.pretrained.weights=null"])
    assert good["metrics"]["val_accuracy"] >= 0.85
    assert random["metrics"]["val_accuracy"] < 0.7


def test_the_page_about_transfer_is_true_of_the_whole_network(tmp_path, monkeypatch, dlkit, reload_here):
    PAGE["read_page"](tmp_path, monkeypatch, dlkit)
