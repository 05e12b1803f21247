"""Where the time of a step goes: counted work, measured times that add up, and settings that a recipe could choose."""

from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from dlkit.experiments.speed import FASTER, _measured, explain_speed
from dlkit.recipe import load_recipe


@pytest.fixture(scope="module")
def speed():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dlkit.experiments.speed.SECONDS", 0.05)
        patch.setattr("dlkit.experiments.speed.PEAK_SIZE", 256)
        yield explain_speed(load_recipe("digits_mlp", ["training.batch_size=64"]))


def test_the_work_of_a_step_is_counted(speed):
    """A product of matrices forward, one for the weights' gradients, and one for the inputs' after the first layer."""
    widths = [
        row.settings["units"]
        for row in load_recipe("digits_mlp").recipe.model.settings["layers"]
        if row.name == "Dense"
    ]
    products = [a * b for a, b in zip([64, *widths], widths, strict=False)]
    least = 2 * 64 * (2 * products[0] + 3 * sum(products[1:]))
    assert least <= speed.operations <= 1.5 * least


def test_times_add_up(speed):
    assert speed.batch_size == 64
    assert speed.examples_per_second == pytest.approx(64 / speed.step_seconds)
    assert speed.input_wait_seconds == speed.step_seconds - speed.compute_seconds >= 0
    assert 0 < speed.share_of_peak <= 1
    assert speed.to_json()["share_of_peak"] == speed.share_of_peak


def test_noise_makes_no_part_larger_than_the_whole(monkeypatch):
    """The step on a batch in memory was slower than the whole loop, and faster than the matrix product."""
    seconds = iter([0.01, 0.02])
    steps = SimpleNamespace(stream=Mock(), fixed_step=Mock(), repeated=Mock(), take=Mock(), examples=100)
    replaced = {
        "_started": lambda _: SimpleNamespace(steps=steps),
        "_seconds_per_step": lambda _: next(seconds),
        "_operations": lambda _: 10**6,
        "machine_peak": lambda: 1e7,
    }
    for name, function in replaced.items():
        monkeypatch.setattr(f"dlkit.experiments.speed.{name}", function)
    found = _measured(load_recipe("digits_mlp"))
    assert (found.step_seconds, found.compute_seconds, found.input_wait_seconds) == (0.01, 0.01, 0)
    assert found.share_of_peak == 1


def test_only_what_is_faster_is_proposed(speed):
    assert set(speed.faster) <= {"training.batch_size=128", "training.precision=mixed_bfloat16"}
    assert all(gain >= FASTER for gain in speed.faster.values())
