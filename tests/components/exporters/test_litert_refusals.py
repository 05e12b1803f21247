"""What LiteRT lacks is said in plain words before its converter is started."""

from types import SimpleNamespace

import keras
import pytest

from dlkit.components.exporters.litert import Litert
from dlkit.components.exporters.litert_int8 import LitertInt8

L = keras.layers


def network(*layers, shape=(5, 3), dtype="float32"):
    return SimpleNamespace(network=keras.Sequential([keras.Input(shape, dtype=dtype), *layers]))


@pytest.mark.parametrize(
    ("exporter", "model", "reason"),
    [
        (Litert, lambda: network(L.Dense(2)), None),
        (
            Litert,
            lambda: network(L.Dense(2, dtype="float64"), dtype="float64"),
            "it computes in float64, but LiteRT in float32",
        ),
        (Litert, lambda: network(L.Bidirectional(L.LSTM(2), name="both")), None),
        (
            Litert,
            lambda: network(L.Bidirectional(L.LSTM(2), name="both"), shape=(None, 3)),
            "layer 'both' reads sequences of any length, but LiteRT needs a fixed length",
        ),
        (LitertInt8, lambda: network(L.Dense(2)), None),
        (
            LitertInt8,
            lambda: network(L.GRU(2, name="gru")),
            "LiteRT's converter cannot quantize layer 'gru', which is recurrent",
        ),
        (
            LitertInt8,
            lambda: network(L.Bidirectional(L.LSTM(2), name="both")),
            "LiteRT's converter cannot quantize layer 'both', which is recurrent",
        ),
    ],
)
def test_what_litert_lacks_is_said(exporter, model, reason):
    assert exporter().refusal(model()) == reason
