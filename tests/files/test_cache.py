"""The cache: computed once, never half there, harmless when it cannot be written."""

import numpy as np
import pytest

from dlkit.errors import MissingError
from dlkit.files.cache import cached_arrays, cached_json, digest, new_array


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


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"nothing of the kind", None])
def test_a_damaged_array_is_written_again(tmp_path, content):
    calls = []

    def write(folder):
        calls.append(folder)
        np.save(folder / "inputs.npy", np.arange(6))

    cached_arrays("key", write)
    (path,) = (tmp_path / "cache" / "arrays" / digest("key")).iterdir()
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    np.testing.assert_array_equal(cached_arrays("key", write)["inputs"], np.arange(6))
    assert len(calls) == 2


def test_a_new_array_has_all_of_its_bytes(tmp_path):
    array = new_array(tmp_path / "a.npy", np.float32, (1000, 50))
    assert (array.shape, array.dtype, float(array.sum())) == ((1000, 50), np.float32, 0.0)
    stat = (tmp_path / "a.npy").stat()
    assert stat.st_blocks * 512 >= stat.st_size >= 200_000
