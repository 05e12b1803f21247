"""Pictures reach a pretrained backbone in the range that its weights know, or a warning says so."""

import pytest

from dlkit.recipe import load_recipe
from dlkit.training.check import check_build
from dlkit.training.pixels import backbone_warning

OWN = "{ApplicationPreprocessing: {backbone: MobileNetV2}}"
SCALED = "{Rescaling: {scale: 1/255}}"
RECIPE = """
recipe: 1
name: backbone
task: classification
data:
  source: {{declared: {{shape: [32, 32, 3], classes: 2}}}}
  preprocess: [{preprocess}]
model:
  pretrained:
    backbone: {backbone}
    weights: {weights}
    head: [GlobalAveragePooling2D, {{Dense: {{units: 2, activation: softmax}}}}]
training: {{epochs: 1, optimizer: Adam}}
"""


@pytest.mark.parametrize(
    ("preprocess", "backbone", "weights", "warned"),
    [
        (OWN, "MobileNetV2", "imagenet", False),
        ("{Rescaling: {scale: 1/127.5, offset: -1}}", "MobileNetV2", "imagenet", False),
        (f"{SCALED}, {OWN}", "MobileNetV2", "imagenet", True),
        (f"{OWN}, {OWN}", "MobileNetV2", "imagenet", True),
        ("{ApplicationPreprocessing: {backbone: VGG16}}", "MobileNetV2", "imagenet", True),
        (SCALED, "MobileNetV2", "imagenet", True),
        ("", "MobileNetV2", "imagenet", True),
        (SCALED, "MobileNetV2", "null", False),  # random weights have seen nothing yet
        (f"{SCALED}, {OWN}", "MobileNetV2", "null", True),
        (SCALED, "MobileNetV3Small", "imagenet", True),
        ("", "MobileNetV3Small", "imagenet", False),
    ],
)
def test_missing_doubled_and_foreign_preprocessing_is_named(tmp_path, preprocess, backbone, weights, warned):
    path = tmp_path / "backbone.yaml"
    path.write_text(RECIPE.format(preprocess=preprocess, backbone=backbone, weights=weights))
    loaded = load_recipe(path)
    warning = backbone_warning(check_build(loaded), loaded)
    assert (warning is not None) == warned
    if warning is not None:
        assert warning.message.startswith(f"{backbone} is made for pixels from ")
        assert warning.hint == f"set data.preprocess to [{{ApplicationPreprocessing: {{backbone: {backbone}}}}}] alone"
        assert warning.location.line == 7
