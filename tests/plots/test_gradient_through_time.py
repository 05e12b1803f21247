"""dlkit plot gradient-through-time: the figure and its numbers, before and after training."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from dlkit.cli.plot import _write
from dlkit.data.source import build_dataset
from dlkit.errors import InputError
from dlkit.model.build import build_model
from dlkit.plots.kinds import gradient_through_time
from dlkit.recipe import load_recipe

RECIPE = """
recipe: 1
name: rows
task: classification
data:
  source: digits
  validation: none
  preprocess: [{Rescaling: {scale: 1/255}}, {Reshape: {target_shape: [8, 8]}}]
model:
  sequential:
    layers: [LAYER, {Dense: {units: 10, activation: softmax}}]
training: {epochs: 1, optimizer: {Adam: {learning_rate: 0.001}}}
"""


def run_of(folder, layer):
    (folder / "rows.yaml").write_text(RECIPE.replace("LAYER", layer))
    loaded = load_recipe(str(folder / "rows.yaml"))
    dataset = build_dataset(loaded.recipe)
    return SimpleNamespace(loaded=loaded, built=build_model(loaded.recipe, dataset.describe())), dataset


def test_the_figure_comes_with_its_numbers(tmp_path, monkeypatch):
    run, dataset = run_of(tmp_path, "{LSTM: {units: 4, name: memory}}")
    monkeypatch.setattr(gradient_through_time, "split_of", lambda *_: ("train", dataset.load("test", None)))
    for weight in run.built.network.get_layer("memory").weights:
        weight.assign(0.5 * weight)
    written = _write(gradient_through_time.plot(run, example=3), tmp_path, "rows-", "")
    found = json.loads(next(path for path in written if path.suffix == ".json").read_text())
    assert [path.name for path in written if path.suffix == ".png"] == ["rows-gradient-through-time-memory.png"]
    assert (found["kind"], found["example"], len(found["before"]["gradient"])) == ("LSTM", 3, 8)
    assert found["after"]["gradient"][0] != found["before"]["gradient"][0]
    for when in ("before", "after"):
        assert (np.array(found[when]["gradient"]) <= np.array(found[when]["bound"]) * (1 + 1e-5) + 1e-9).all()


def test_a_network_without_a_recurrent_layer_is_named(tmp_path, monkeypatch):
    run, dataset = run_of(tmp_path, "Flatten")
    monkeypatch.setattr(gradient_through_time, "split_of", lambda *_: ("train", dataset.load("test", None)))
    with pytest.raises(InputError, match="no layer with one state per step, a SimpleRNN, LSTM or GRU"):
        gradient_through_time.plot(run)
