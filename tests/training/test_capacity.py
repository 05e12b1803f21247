"""Memory and disk are foreseen, with a batch that fits."""

import keras
import numpy as np
import pytest

from dlkit.errors import InputError, MissingError
from dlkit.interfaces.data import Split
from dlkit.interfaces.ragged import Ragged, Texts
from dlkit.training.capacity import TENSORFLOW_BYTES, check_disk, check_memory, memory_needed, slow_precision, steps_of


@pytest.fixture(scope="module")
def network():
    inputs = keras.Input((10,))
    return keras.Model(inputs, keras.layers.Dense(100)(inputs))


def test_memory_is_weights_four_times_and_activations_twice(network):
    weights, activations = 4 * (10 * 100 + 100), 4 * (10 + 100)
    assert memory_needed(network, 7) == TENSORFLOW_BYTES + 4 * weights + 7 * 2 * activations


def test_a_batch_that_cannot_fit_is_refused_with_one_that_does(network):
    available = memory_needed(network, 1000)
    check_memory(network, 1000, available)
    with pytest.raises(InputError, match="a batch of 4096 needs about") as caught:
        check_memory(network, 4096, available)
    assert caught.value.problems[0].hint == "--set training.batch_size=512 fits"
    with pytest.raises(InputError) as caught:
        check_memory(network, 8, 1000)
    assert "a single example does not fit" in caught.value.problems[0].hint


@pytest.mark.parametrize(
    ("precision", "features", "slow"),
    [
        ("mixed_bfloat16", ["AVX2"], True),
        ("mixed_bfloat16", ["AVX2", "AVX-512", "AVX-512 BF16"], False),
        ("mixed_bfloat16", [], False),  # not known
        ("float32", ["AVX2"], False),
    ],
)
def test_bfloat16_without_units_for_it_is_worth_a_warning(monkeypatch, precision, features, slow):
    assert bool(slow_precision(precision, features)) == slow
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind: [kind])
    assert slow_precision(precision, features) is None


def test_a_full_disk_is_foreseen(network, tmp_path, monkeypatch):
    check_disk(network, tmp_path / "not" / "there")
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(MissingError, match=rf"needs about .* on disk, but {tmp_path} has 0.001 MB free"):
        check_disk(network, tmp_path / "not" / "there")


def test_sequences_count_with_their_longest_example():
    network = keras.Sequential([keras.Input((None, 3)), keras.layers.Dense(4), keras.layers.GlobalMaxPooling1D()])
    split = Split(Ragged.of([np.ones((2, 3), "float32"), np.ones((50, 3), "float32")]), np.zeros(2))
    assert steps_of(split) == 50
    assert memory_needed(network, 5, 50) - memory_needed(network, 5, 1) == 5 * 2 * 4 * 49 * 4
    assert steps_of(Split(Texts.of_strings(["a b c", "incomprehensibilities"]), np.zeros(2))) == 3
    assert steps_of(Split(np.ones((2, 9)), np.zeros(2))) == 1
