"""Snapshots: everything comes back, damage is seen, two are kept, nothing is pickled."""

import hashlib
import io

import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.training.snapshot import (
    FOLDER,
    Progress,
    Snapshot,
    callback_state,
    read_snapshot,
    restore_callback,
    write_snapshot,
)


def snapshot(step):
    state = {
        "best": 0.25,
        "wait": 2,
        "weights": [np.arange(3.0)],
        "pair": (1, None),
        "by_epoch": {3: "x"},
        "inf": float("inf"),
    }
    variables = {"network": [np.full((2, 2), step, np.float32)], "optimizer": [np.array(step, np.int64)]}
    history = [{"epoch": 0, "loss": 0.1 + 0.2}]
    progress = Progress(step, history, 0.3, [np.full(2, 0.5)], True, 2, 5, {"loss": 0.75, "weights": "ab"})
    return Snapshot(progress, variables, [state])


def test_everything_comes_back_with_its_type(tmp_path):
    write_snapshot(tmp_path, snapshot(7))
    found = read_snapshot(tmp_path)
    np.testing.assert_array_equal(found.progress.best_weights.pop(), [0.5, 0.5])
    history = [{"epoch": 0, "loss": 0.30000000000000004}]
    assert found.progress == Progress(7, history, 0.3, [], True, 2, 5, {"loss": 0.75, "weights": "ab"})
    assert sorted(found.variables) == ["network", "optimizer"]
    assert found.variables["network"][0].dtype == np.float32
    np.testing.assert_array_equal(found.variables["network"][0], np.full((2, 2), 7))
    assert found.variables["optimizer"][0].shape == ()
    state = found.callbacks[0]
    np.testing.assert_array_equal(state.pop("weights")[0], [0.0, 1.0, 2.0])
    assert state == {"best": 0.25, "wait": 2, "pair": (1, None), "by_epoch": {3: "x"}, "inf": float("inf")}


def test_the_last_two_are_kept_and_the_newest_is_read(tmp_path):
    for step in (1, 2, 3):
        write_snapshot(tmp_path, snapshot(step))
    assert read_snapshot(tmp_path).progress.step == 3
    assert sorted(path.name for path in (tmp_path / FOLDER).iterdir()) == ["000000000002.npz", "000000000003.npz"]


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_a_damaged_one_is_skipped_for_the_one_before(tmp_path, damage):
    write_snapshot(tmp_path, snapshot(1))
    write_snapshot(tmp_path, snapshot(2))
    newest = tmp_path / FOLDER / "000000000002.npz"
    content = bytearray(newest.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
    newest.write_bytes({"cut": content[:-100], "flip": content, "empty": b""}[damage])
    assert read_snapshot(tmp_path).progress.step == 1


def test_no_snapshot_is_none(tmp_path):
    assert read_snapshot(tmp_path) is None


def test_callback_state_holds_plain_data_only():
    class Callback:
        def __init__(self):
            self.wait, self.best_weights, self._model, self.monitor_op = 3, [np.ones(2)], object(), np.less

    state = callback_state(Callback())
    assert sorted(state) == ["best_weights", "wait"]


def test_every_counter_of_a_plateau_comes_back():
    """Its cooldown decides when the learning rate may fall again."""
    began = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", cooldown=4, patience=2)
    began._reset()
    began.cooldown_counter, began.wait, began.best = 3, 1, 0.25
    fresh = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", cooldown=4, patience=2)
    fresh._reset()
    restore_callback(fresh, callback_state(began))
    assert (fresh.cooldown_counter, fresh.wait, fresh.best) == (3, 1, 0.25)
    assert fresh.in_cooldown()


def test_a_forged_snapshot_is_skipped(tmp_path):
    """Its checksum fits, its content is that of none."""
    write_snapshot(tmp_path, snapshot(1))
    stream = io.BytesIO()
    np.savez(stream, state=np.frombuffer(b'{"groups": 3}', np.uint8))
    body = stream.getvalue()
    (tmp_path / "snapshots" / "000000000009.npz").write_bytes(body + hashlib.sha256(body).digest())
    assert read_snapshot(tmp_path).progress.step == 1


def test_texts_of_a_callback_are_those_of_its_recipe(tmp_path):
    """A snapshot from elsewhere cannot make a callback write to another place."""
    callback = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    state = callback_state(callback) | {"filename": "/elsewhere", "file_flags": ["w"], "keys": ["a"], "x": "y"}
    for forged in ("/elsewhere", 2, ["/elsewhere"]):  # open(2) would be the standard error output
        restore_callback(callback, state | {"filename": forged, "append": True})
        assert callback.filename == str(tmp_path / "log.csv")
        assert callback.append is False
    assert callback.keys == ["a"]
    assert not hasattr(callback, "x")


def test_a_snapshot_that_unpacks_to_gigabytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("dlkit.safety.files.FREE_BYTES", 100_000)
    (tmp_path / FOLDER).mkdir()
    stream = io.BytesIO()
    np.savez_compressed(stream, x=np.zeros(300_000, np.float32))
    (tmp_path / FOLDER / "000000000001.npz").write_bytes(stream.getvalue() + hashlib.sha256(stream.getvalue()).digest())
    with pytest.raises(InputError, match="times its size, but at most 200 is allowed"):
        read_snapshot(tmp_path)


def test_snapshots_of_deep_networks_have_thousands_of_arrays(tmp_path):
    weights = [np.zeros(1, np.float32)] * 1500
    write_snapshot(tmp_path, Snapshot(Progress(1), {"network": weights}, []))
    assert len(read_snapshot(tmp_path).variables["network"]) == 1500
