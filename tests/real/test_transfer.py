"""Ants and bees on the real MobileNetV2 weights, head only."""


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
