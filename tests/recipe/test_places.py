"""The paths of a recipe's data are absolute in a run, and can be replaced."""

import time

import pytest

from dlkit.errors import InputError, MissingError
from dlkit.evaluation.band import recipe_digest
from dlkit.recipe import load_recipe
from dlkit.recipe.places import (
    hint_at_new_place,
    last_change,
    moved,
    places,
    plain_without_places,
    undivided,
    with_absolute_places,
    with_places_of,
)


@pytest.fixture
def with_source(tmp_path, monkeypatch):
    """A recipe with a source, read in its own folder."""
    monkeypatch.chdir(tmp_path)

    def load(source):
        text = f"recipe: 1\nname: a\ntask: classification\ndata: {{source: {source}}}\n"
        text += "model: {sequential: {layers: [Flatten, {Dense: {units: 2, activation: softmax}}]}}\n"
        (tmp_path / "a.yaml").write_text(text + "training: {epochs: 1, optimizer: Adam}\n")
        return load_recipe(tmp_path / "a.yaml")

    return load


def test_paths_become_absolute_in_both_forms(with_source, tmp_path):
    loaded = with_absolute_places(with_source("{image_folder: {directory: photos, channels: 1}}"))
    assert places(loaded) == {"directory": str(tmp_path / "photos")}
    assert loaded.plain["data"]["source"] == {"image_folder": {"directory": str(tmp_path / "photos"), "channels": 1}}
    assert loaded.recipe.data.source.settings == loaded.plain["data"]["source"]["image_folder"]
    digits = with_source("digits")
    assert with_absolute_places(digits) is digits


def test_one_path_is_replaced_and_several_keep_their_names(with_source, tmp_path):
    (tmp_path / "new").mkdir()
    one = moved(with_source("{image_folder: {directory: photos}}"), tmp_path / "new")
    assert places(one) == {"directory": str(tmp_path / "new")}
    several = moved(with_source("{csv: {file: old/train.csv, target: y, test_file: old/more/t.csv}}"), tmp_path / "new")
    assert places(several) == {"file": str(tmp_path / "new/train.csv"), "test_file": str(tmp_path / "new/more/t.csv")}
    arrays = moved(with_source("{arrays: {train: a.npz, test: b.npz, classes: 2}}"), tmp_path / "new")
    assert places(arrays) == {"train": str(tmp_path / "new/a.npz"), "test": str(tmp_path / "new/b.npz")}


def test_a_place_that_cannot_be_is_refused(with_source, tmp_path):
    with pytest.raises(MissingError, match="no such file or folder"):
        moved(with_source("{image_folder: {directory: photos}}"), tmp_path / "nowhere")
    with pytest.raises(InputError, match="digits has no path that --data could replace"):
        moved(with_source("digits"), tmp_path)


def test_paths_do_not_make_another_recipe(with_source):
    one, other = (with_source(f"{{image_folder: {{directory: {name}, channels: 1}}}}") for name in ("x", "y"))
    assert plain_without_places(one) == plain_without_places(other)
    assert plain_without_places(one)["data"]["source"] == {"image_folder": {"channels": 1}}
    assert recipe_digest(one) == recipe_digest(with_absolute_places(other))


def test_a_path_that_leads_nowhere_is_that_of_the_run(with_source, tmp_path):
    run = with_absolute_places(with_source("{image_folder: {directory: photos}}"))
    lost = with_source("{image_folder: {directory: elsewhere}}")
    assert places(with_places_of(run, lost)) == {"directory": str(tmp_path / "photos")}
    (tmp_path / "elsewhere").mkdir()
    assert places(with_places_of(run, lost)) == {"directory": "elsewhere"}


def test_other_data_is_not_divided(with_source):
    assert undivided(with_source("{image_folder: {directory: x}}")).recipe.data.source.settings["test_fraction"] == 0
    assert undivided(with_source("{csv: {file: x, target: y}}")).recipe.data.source.settings["test_fraction"] is None


def test_missing_data_is_looked_for_with_data(with_source):
    with pytest.raises(MissingError) as caught, hint_at_new_place(with_source("{image_folder: {directory: x}}")):
        raise MissingError("no such folder: x", "create one")
    assert caught.value.problems[0].hint == "if the data has moved, give its new place: --data PATH"


def test_the_last_change_is_that_of_any_file_inside(tmp_path, with_source):
    loaded = with_source("{image_folder: {directory: photos}}")
    assert last_change(loaded) == 0
    (tmp_path / "photos/cats").mkdir(parents=True)
    (tmp_path / "photos/cats/gone.png").symlink_to("nowhere.png")
    before = last_change(loaded)
    assert before > 0
    time.sleep(0.05)  # longer than the clock of file systems stands still
    (tmp_path / "photos/cats/1.png").write_bytes(b"")
    after = last_change(loaded)
    assert after > before
    time.sleep(0.05)
    (tmp_path / "photos/cats/1.png").rename(tmp_path / "photos/cats/2.png")
    assert last_change(loaded) > after
    assert last_change(load_recipe("digits_mlp")) == 0
