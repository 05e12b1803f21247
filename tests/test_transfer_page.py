"""docs/transfer_learning.md, command by command, in an empty folder with real digits as pictures.

Here MobileNetV2 has its first blocks only; tests/real/test_transfer.py follows the page with the whole network.
"""

import re
import shlex
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from dlkit.recipe import load_recipe, shipped_recipes

PAGE = (Path(__file__).parents[1] / "docs" / "transfer_learning.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S) for line in block.splitlines()]

WHOLE = "total: 412770, trainable: 398690, non_trainable: 14080"
FEW = "total: 34290, trainable: 31010, non_trainable: 3280"


@pytest.fixture
def few_blocks(monkeypatch):
    """MobileNetV2 without the blocks after its third."""
    module = keras.src.applications.mobilenet_v2
    block = module._inverted_res_block
    monkeypatch.setattr(
        module,
        "_inverted_res_block",
        lambda x, *, block_id, **named: block(x, block_id=block_id, **named) if block_id < 4 else x,
    )


def keras_home(tmp_path, monkeypatch):
    """Make Keras' cache, with a file of the name and layout that MobileNetV2 (alpha 0.35, 96 pixels) has there."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    path = tmp_path / "keras" / "models" / "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5"
    path.parent.mkdir(parents=True)
    net = keras.applications.MobileNetV2(weights=None, include_top=False, alpha=0.35, input_shape=(96, 96, 3))
    with h5py.File(path, "w") as file:
        keras.src.legacy.saving.legacy_h5_format.save_weights_to_hdf5_group(file, net)


def read_page(tmp_path, monkeypatch, dlkit, *changes):
    """Run the page's commands; changes: of the recipe that `dlkit new` writes, pairs of texts."""
    keras_home(tmp_path, monkeypatch)
    digits = load_digits()
    for label, name in enumerate(("ants", "bees")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number, pixels in enumerate(digits.images[digits.target == label][:15]):
            picture = Image.fromarray((pixels * 15).astype(np.uint8)).resize((96, 96))
            picture.convert("RGB").save(tmp_path / "photos" / name / f"{number}.png")
    monkeypatch.setenv("DLKIT_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("DLKIT_OFFLINE", "1")
    for command in COMMANDS:
        result = dlkit(*shlex.split(command)[1:])
        assert result.code == 0, f"{command}: {result}"
        if command.startswith("dlkit new"):  # the same path in fewer epochs
            recipe = tmp_path / "pets.yaml"
            for before, after in (("epochs: 30", "epochs: 2"), ("epochs: 5", "epochs: 1"), *changes):
                assert before in recipe.read_text()
                recipe.write_text(recipe.read_text().replace(before, after))
    assert (tmp_path / "runs" / "pets").is_dir()
    assert list((tmp_path / "runs").glob("pets/*/exports/saved_model/pets/1/certificate.json"))


def test_the_page_is_true(few_blocks, tmp_path, monkeypatch, dlkit, reload_here):
    read_page(tmp_path, monkeypatch, dlkit, (WHOLE, FEW))


def test_the_recipe_on_the_page_is_the_shipped_one():
    text = shipped_recipes()["mobilenet_photos"].read_text(encoding="utf-8")
    lines = [
        line.partition("#")[0].strip()
        for block in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)
        for line in block.splitlines()
    ]
    assert [
        line for line in lines if line and line not in {part.partition("#")[0].strip() for part in text.splitlines()}
    ] == []
    assert load_recipe("mobilenet_photos").recipe.name == "mobilenet_photos"
