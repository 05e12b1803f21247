"""Names are looked up for a bounded time, and files come whole or not at all."""

import hashlib
import time

import pytest

from dlkit.errors import MissingError
from dlkit.files import downloads as network


def test_a_name_that_is_not_answered_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(network, "NETWORK_SECONDS", 0.05)
    monkeypatch.setattr("socket.getaddrinfo", lambda *_: time.sleep(0.5))
    begun = time.perf_counter()
    assert not network.network_reachable("localhost")
    assert time.perf_counter() - begun < 0.4


def test_both_kinds_of_checksums(tmp_path):
    (tmp_path / "file").write_bytes(b"weights")
    for kind in (hashlib.md5, hashlib.sha256):
        expected = kind(b"weights", usedforsecurity=False).hexdigest()
        assert network.checksum(tmp_path / "file", expected) == expected


def test_a_failed_download_leaves_nothing(tmp_path, monkeypatch):
    def refuse(origin, timeout):
        raise OSError("refused")

    monkeypatch.setattr(network, "urlopen", refuse)
    with pytest.raises(MissingError, match=r"the download of net\.h5 failed: .*refused"):
        network.download("https://localhost/net.h5", tmp_path / "models" / "net.h5", None)
    assert list((tmp_path / "models").iterdir()) == []
