"""What is measured of reconstructions, and drawn of codes, whatever their width."""

from types import SimpleNamespace

import numpy as np
import pytest

from dlkit.components.tasks import _reconstruction
from dlkit.components.tasks._reconstruction import Reconstruction
from dlkit.interfaces.task import Examined


def network(width):
    """A network whose codes are the first values of each example, repeated to a width."""
    encoder = SimpleNamespace(name="encoder")
    find = {"encoder": lambda seen, training: np.resize(seen, (len(seen), width))}
    return SimpleNamespace(layers=[encoder], get_layer=find.__getitem__, output=None)


def measured(x, width, seen=None):
    found = Reconstruction(1.0)
    for part, noisy in zip(np.array_split(x, 2), np.array_split(x if seen is None else seen, 2), strict=True):
        found.add(Examined(part, noisy, np.zeros(len(part)), part, {"reconstruction": part * 0}, None, network(width)))
    return found


@pytest.mark.parametrize(
    ("examples", "width", "has_row"),
    [(50, 3, True), (50, 5, True), (50, 6, False), (50, 7, False), (5, 3, True), (5, 4, False)],
)
def test_pca_is_left_out_where_it_would_be_perfect(examples, width, has_row):
    from sklearn.decomposition import PCA

    x = np.random.default_rng(0).normal(size=(examples, 6))
    rows = {row["method"]: row for row in measured(x, width).table()}
    assert ("pca" in rows) == has_row
    if has_row:
        pca = PCA(width).fit(x)
        by_hand = np.mean((pca.inverse_transform(pca.transform(x)) - x) ** 2)
        assert rows["pca"]["mse"] == pytest.approx(by_hand)
        assert rows["pca"]["mse"] > 0


def test_only_as_many_codes_are_kept_as_there_is_room_for(monkeypatch):
    monkeypatch.setattr(_reconstruction, "CODE_BYTES", 4 * 1000 * 15)
    found = measured(np.random.default_rng(0).normal(size=(40, 6)), 1000)
    assert [len(codes) for codes in found.codes] == [len(targets) for targets in found.labels] == [15]
    monkeypatch.setattr(_reconstruction, "CODE_BYTES", 1)
    assert sum(map(len, measured(np.zeros((4, 6)), 1000).codes)) == 1


def test_what_the_network_was_given_is_called_its_noisy_input():
    x = np.linspace(0, 1, 4 * 16).reshape(4, 4, 4, 1)
    clean, noisy = (measured(x, 2, seen).figures(())["reconstructions"]() for seen in (x, x + 0.1))
    titles = [[axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] for figure in (clean, noisy)]
    assert titles == [["original", "reconstruction"], ["original", "noisy\ninput", "reconstruction"]]
