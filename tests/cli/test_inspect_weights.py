"""dlkit inspect RUN --weights LAYER prints small weights and says what is too large."""

import json

import numpy as np


def test_the_weights_of_a_layer_are_printed_in_full(dlkit, trained_run):
    from dlkit.model.trained import open_run

    network = open_run(trained_run).built.network
    last = network.layers[-1]
    done = dlkit("inspect", trained_run.path, "--weights", last.name, "--json")
    shown = json.loads(done.out)["weights"]
    for item, weight in zip(shown, last.weights, strict=True):
        assert np.asarray(item["values"], "float32").tolist() == np.asarray(weight).tolist()
    text = dlkit("inspect", trained_run.path, "--weights", last.name).out
    assert repr(float(np.asarray(last.bias)[3])) in text


def test_large_weights_and_unknown_layers_are_said(dlkit, trained_run):
    assert "too many to print" in dlkit("inspect", trained_run.path, "--weights", "dense").out
    done = dlkit("inspect", trained_run.path, "--weights", "dens")
    assert (done.code, done.out) == (2, "")
    assert "did you mean 'dense'?" in done.error
