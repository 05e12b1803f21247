"""The layer that begins to differ is named, with the difference before and after it."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from dlkit.export.compare import ANY
from dlkit.export.localise import Tap, diverging_layer, first, tap
from dlkit.interfaces.exporter import Tolerance
from dlkit.model.trained import open_run

PLANTED = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "planted_faults.py"))
TITLES = ["epsilon", "padding", "preprocessing doubled", "weights in float16", "channels swapped"]


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return PLANTED["trained_network"](tmp_path_factory.mktemp("planted"))


@pytest.mark.parametrize("number", range(5), ids=TITLES)
def test_a_planted_fault_is_named(number, planted, tmp_path, reload_here):
    fault = PLANTED["faults"]()[number]
    assert fault.title == TITLES[number]
    layer, found = PLANTED["found_layer"](planted, "saved_model", fault, tmp_path)
    assert layer == fault.layer
    assert found["before"] <= 1e-5 < found["after"]
    assert list((tmp_path / "planted").iterdir()) == []


def test_a_right_artefact_names_no_layer(planted, reload_here):
    assert diverging_layer(planted, "saved_model", "raw") is None


def test_the_taps_are_all_layers_in_order_with_the_networks_own_values(trained_run):
    built = open_run(trained_run).built
    tapped, taps = tap(built, preprocessed=False)
    assert [item.layer for item in taps] == ["rescaling", "flatten", "dense", "dropout", "dense_1"]
    assert [item.reads for item in taps] == [(), *((item.name,) for item in taps[:-1])]
    images = np.arange(128, dtype="uint8").reshape(2, 8, 8, 1)
    outputs = tapped.predict_raw(images)
    np.testing.assert_allclose(outputs[taps[-1].name], built.predict_raw(images)["probabilities"], atol=1e-6)
    np.testing.assert_allclose(outputs[taps[0].name], images / 255, atol=1e-6)
    tapped, taps = tap(built, preprocessed=True)
    assert [item.layer for item in taps] == ["dense", "dropout", "dense_1"]


TAPS = [Tap("a", "conv", ()), Tap("b", "norm", ("a",)), Tap("c", "dense", ("b",))]


def test_the_first_error_beyond_the_tolerance_counts():
    errors = {"a": (1e-7, 1.0), "b": (1e-3, 1.0), "c": (1.0, 1.0)}
    assert first(TAPS, errors, Tolerance()) == {"layer": "norm", "before": 1e-7, "after": 1e-3}
    assert first(TAPS, errors, Tolerance(2.0, 0.0)) is None
    assert first(TAPS, dict.fromkeys("abc", (0.005, 10000.0)), Tolerance()) is None  # large values round more


def test_where_everything_rounds_the_largest_step_counts():
    errors = {"a": (0.01, 1.0), "b": (0.3, 10.0), "c": (0.5, 1.0)}
    found = first(TAPS, errors, ANY)
    assert (found["layer"], found["relative"]) == ("dense", True)
    assert (found["before"], found["after"]) == (pytest.approx(0.03), pytest.approx(0.5))
