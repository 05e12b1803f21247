"""Ants and bees on the real MobileNetV2 weights, head only."""

from test_lecture_models import dlkit


def test_a_head_on_pretrained_features_knows_ants_from_bees(tmp_path, photos):
    weights = photos.parent / "weights" / "mobilenet_v2_0.35_224_imagenet_notop.h5"
    settings = [
        f"data.source.image_folder.directory={photos}",
        "data.validation={split: validation}",
        "training.phases=[{epochs: 20, trainable: [head]}]",
    ]
    words = [word for setting in settings for word in ("--set", setting)]
    runs = ("--runs-dir", tmp_path)
    good = dlkit("train", "mobilenet_photos", *runs, *words, "--set", f"model.pretrained.weights={weights}", code=1)
    random = dlkit("train", "mobilenet_photos", *runs, *words, "--set", "model.pretrained.weights=null", code=1)
    assert good["metrics"]["val_accuracy"] >= 0.85
    assert random["metrics"]["val_accuracy"] < 0.7
    assert good["contract"]["differences"] == ["trainable parameters: expected 398,690, found 2,562"]
