"""gradients: the norms are those of the loss of each batch, and measuring changes nothing."""

import json
from itertools import pairwise

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.console import show_gradients
from dlkit.experiments import gradient_plan
from dlkit.experiments.gradient_plan import Subject
from dlkit.experiments.gradients import gradient_norms
from dlkit.figures.gradients import gradients_figure
from dlkit.interfaces.reporter import Reporter
from dlkit.recipe import load_recipe
from dlkit.training.loop import Training
from dlkit.training.prepare import prepare

SETTINGS = ["data.limit=100", "expect={}"]


def test_norms_are_those_of_the_loss_and_leave_the_training_as_it_is():
    loaded = load_recipe("digits_mlp", [*SETTINGS, "model.sequential.layers.1.Dropout.rate=0"])
    found = gradient_norms(loaded, 2, 5)
    training = Training(loaded.recipe, prepare(loaded), Reporter())
    training.start()
    network, losses = training.steps.network, []
    assert found["layers"] == [layer.name for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    stream = training.steps.stream(0, 5)
    for row, batch in zip(found["first"], training.steps.batches(0, 2), strict=True):
        with tf.GradientTape() as tape:
            loss = network.compute_loss(batch[0], batch[1], network(batch[0], training=True))
        kernels = [network.get_layer(name).kernel.value for name in found["layers"]]
        assert row == pytest.approx([float(tf.norm(g)) for g in tape.gradient(loss, kernels)], rel=1e-4)
        losses.append(training.steps.take(stream, fresh=True)["loss"])
    assert found["losses"] == pytest.approx(losses, rel=1e-5)
    assert found["updates"] == 5
    assert not np.allclose(found["after"], found["first"][0])


def test_the_last_measurement_is_after_so_many_updates_even_if_more_are_looked_at():
    loaded = load_recipe("digits_mlp", SETTINGS)
    assert gradient_norms(loaded, 5, 2)["after"] == pytest.approx(gradient_norms(loaded, 1, 2)["after"], rel=1e-5)


def test_a_gradient_that_is_not_finite_is_none_and_a_gap_in_the_figure():
    fast = "training.optimizer={SGD: {learning_rate: 1e+20}}"
    found = gradient_norms(load_recipe("digits_mlp", [*SETTINGS, fast]), 3, 4)
    assert found["after"] == [None, None]
    assert found["losses"][-1] is None
    json.dumps(found, allow_nan=False)
    measurement = {"recipe": "digits_mlp", "parameters": {}} | found
    assert len(gradients_figure([measurement]).axes) == 2
    show_gradients({"measurements": [measurement], "figure": "f.png"})


def test_other_data_is_measured_anew(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("x,y\n1,yes\n2,no\n")
    one, other = (
        Subject(load_recipe("wine_csv", [f"data.source={{csv: {{file: {name}.csv, target: y}}}}", "expect={}"]), {})
        for name in ("a", "b")
    )
    before = one.file(tmp_path, 1, 0)[1]
    assert other.file(tmp_path, 1, 0)[1] != before == one.file(tmp_path, 1, 0)[1]
    (tmp_path / "a.csv").write_text("x,y\n1,yes\n2,no\n3,no\n")
    assert one.file(tmp_path, 1, 0)[1] != before


def test_sigmoids_hold_gradients_back_and_relu_does_not():
    """Six layers of sigmoids: each passes on at most a quarter (deck 002)."""
    layer = "{{Dense: {{units: 16, activation: {}}}}}"
    ratios = []
    for name in ("sigmoid", "relu"):
        layers = ", ".join([layer.format(name)] * 6 + ["{Dense: {units: 10, activation: softmax}}"])
        loaded = load_recipe("digits_mlp", [*SETTINGS, f"model.sequential.layers=[{layers}]"])
        first = gradient_norms(loaded, 1, 0)["first"][0]
        ratios.append(first[0] / first[-1])
    assert ratios[0] < 1e-2
    assert ratios[1] > 0.1


def test_each_combination_is_measured_once_in_a_process_of_its_own(dlkit, tmp_path, monkeypatch):
    asked = []

    def child(words):
        asked.append(words)
        overrides = [word for option, word in pairwise(words) if option == "--set"]
        return {"measurements": [gradient_norms(load_recipe(words[1], overrides), 1, 0)]}

    monkeypatch.setattr(gradient_plan, "json_of_child", child)
    words = [
        "gradients",
        "digits_mlp",
        "--set",
        "model.sequential.layers.0.Dense.units=8,16",
        "--set",
        "data.limit=100",
    ]
    words += ["--set", "expect={}", "--first", 1, "--updates", 0, "--runs-dir", tmp_path, "--json"]
    result = dlkit(*words)
    assert result.code == 0, result.error
    content = json.loads(result.out)
    assert [m["parameters"] for m in content["measurements"]] == [
        {"model.sequential.layers.0.Dense.units": units} for units in (8, 16)
    ]
    assert len(asked) == 2
    assert (tmp_path / "digits_mlp" / "gradients" / "figures" / "gradients.png").is_file()
    again = dlkit(*words)
    assert json.loads(again.out) == content
    assert len(asked) == 2


def test_a_child_that_fails_is_named(dlkit, tmp_path, monkeypatch):
    monkeypatch.setattr(gradient_plan, "json_of_child", lambda words: "was killed by signal 9")
    result = dlkit("gradients", "digits_mlp", "resnet20", "--runs-dir", tmp_path)
    assert result.code == 1
    assert "digits_mlp: was killed by signal 9" in result.error
