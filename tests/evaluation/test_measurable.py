"""Data that has moved is recognised by its content; other data is measured apart."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from dlkit.recipe import load_recipe
from dlkit.training.request import TrainingRequest
from dlkit.training.run import train

RECIPE = """
recipe: 1
name: pictures
task: classification
data:
  source: {image_folder: {directory: photos, channels: 1, test_fraction: 0}}
  resize: {height: 4, width: 4}
  validation: {fraction: 0.25}
  preprocess: [{Rescaling: {scale: 1/255}}, Flatten]
model: {sequential: {layers: [{Dense: {units: 2, activation: softmax}}]}}
training: {epochs: 1, optimizer: Adam}
"""


def draw(folder, classes, seed):
    generator = np.random.default_rng(seed)
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for index in range(8):
            pixels = generator.integers(100 * number, 100 * number + 50, (4, 4))
            Image.fromarray(pixels.astype("uint8")).save(folder / name / f"{index}.png")


@pytest.fixture(scope="module")
def place(tmp_path_factory, silent):
    """A folder with a run on pictures that have moved from photos to moved, and pictures in others."""
    folder = tmp_path_factory.mktemp("elsewhere")
    draw(folder / "photos", ("dark", "light"), 0)
    draw(folder / "others", ("dark", "light"), 1)
    draw(folder / "wrong", ("dark", "white"), 1)
    (folder / "pictures.yaml").write_text(RECIPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = train(TrainingRequest("pictures.yaml", folder / "runs").resolve(), silent())
    assert result.next_command == f"dlkit evaluate {result.run.path} --split validation"
    shutil.move(folder / "photos", folder / "moved")
    return folder, result.run


def test_paths_are_absolute_in_the_run(place):
    folder, run = place
    source = load_recipe(run.resolved_recipe).recipe.data.source
    assert source.settings["directory"] == str(folder / "photos")


def test_moved_data_is_missing_until_its_place_is_given(place, dlkit):
    folder, run = place
    code, _, error = dlkit("evaluate", run.path, "--split", "validation")
    assert code == 3
    assert "no such folder" in error
    assert "if the data has moved, give its new place: --data PATH" in error
    code, out, _ = dlkit("evaluate", run.path, "--split", "validation", "--data", folder / "moved", "--json")
    assert code == 0
    assert "other_data" not in json.loads(out)
    assert run.read_json("metrics.json")["evaluation"]["validation"]["metrics"] == json.loads(out)["metrics"]
    code, out, _ = dlkit("reproduce", run.path, "--data", folder / "moved")
    assert (code, out.split()[0]) == (0, "bit-identical")


def test_other_data_is_measured_whole_and_kept_apart(place, dlkit):
    folder, run = place
    before = run.read_json("metrics.json").get("evaluation")
    found = json.loads(dlkit("evaluate", run.path, "--data", folder / "others", "--json").out)
    assert (found["other_data"], found["examples"], found["split"]) == (str(folder / "others"), 16, "train")
    content = run.read_json("metrics.json")
    assert content.get("evaluation") == before
    stored = content["other_data"][str(folder / "others")]["train"]
    assert stored["metrics"] == found["metrics"]
    assert (run.path / f"per_class_{stored['report']}.csv").is_file()
    assert "of " + str(folder / "others") in dlkit("evaluate", run.path, "--data", folder / "others").out


def test_data_of_other_classes_is_refused(place, dlkit):
    folder, run = place
    code, _, error = dlkit("evaluate", run.path, "--data", folder / "wrong")
    assert code == 2
    assert "the classes are dark, white, but the run's are dark, light" in error
    assert dlkit("evaluate", run.path, "--data", folder / "nowhere").code == 3


def test_predict_says_which_run_and_checkpoint_it_used(place, dlkit):
    folder, run = place
    code, _, error = dlkit("predict", folder / "moved/dark/1.png", "--run", run.path)
    assert code == 0
    assert f"run {run.path}, checkpoint last of epoch 0 (--checkpoint best is there too)" in error
