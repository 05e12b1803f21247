"""The cache: computed once, never half there, harmless when it cannot be written."""

import numpy as np
import pytest

from dlkit.errors import MissingError
from dlkit.files.cache import cached_arrays, cached_json, digest


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLKIT_CACHE", str(tmp_path / "cache"))


def test_arrays_are_written_once_and_memory_mapped():
    calls = []

    def write(folder):
        calls.append(folder)
        np.save(folder / "inputs.npy", np.arange(6).reshape(2, 3))

    first, second = (cached_arrays({"a": 1}, write) for _ in range(2))
    assert len(calls) == 1
    assert isinstance(second["inputs"], np.memmap)
    np.testing.assert_array_equal(first["inputs"], [[0, 1, 2], [3, 4, 5]])


def test_a_failed_write_leaves_nothing(tmp_path):
    def fail(folder):
        np.save(folder / "inputs.npy", np.zeros(3))
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        cached_arrays("key", fail)
    assert list((tmp_path / "cache" / "arrays").iterdir()) == []


def test_json_is_computed_once_and_again_when_damaged(tmp_path):
    values = iter([1, 2])
    assert [cached_json("k", "x", lambda: next(values)) for _ in range(2)] == [1, 1]
    (tmp_path / "cache" / "k" / f"{digest('x')}.json").write_text("{")
    assert cached_json("k", "x", lambda: next(values)) == 2


def test_an_unwritable_cache_only_costs_time(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DLKIT_CACHE", str(tmp_path / "file"))
    assert cached_json("k", "x", lambda: 3) == 3
    with pytest.raises(MissingError, match="cannot write"):
        cached_arrays("x", lambda folder: None)
