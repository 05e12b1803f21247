"""The measured gradient through time is that of the layer, and never exceeds its bound."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.evaluation.through_time import is_recurrent, measured
from dlkit.worked.examples import rnn

L = keras.layers


def network_of(layer):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, 2))
    return keras.Model(inputs, L.Dense(1)(layer(inputs)))


def steps(count=9):
    return np.random.default_rng(0).normal(size=(1, count, 2)).astype("float32")


@pytest.mark.parametrize(
    "layer",
    [
        lambda: L.SimpleRNN(3, name="r"),
        lambda: L.SimpleRNN(3, activation="sigmoid", name="r"),
        lambda: L.LSTM(3, name="r"),
        lambda: L.GRU(3, name="r"),
        lambda: L.GRU(3, reset_after=False, return_sequences=True, name="r"),
        lambda: L.Bidirectional(L.LSTM(3), name="r"),
    ],
)
def test_gradients_are_those_of_the_layer_and_below_their_bounds(layer):
    built = layer()
    network, x = network_of(built), steps()
    found = measured(network, "r", x)
    assert len(found["gradient"]) == len(found["bound"]) == 9
    assert (np.array(found["gradient"]) <= np.array(found["bound"]) * (1 + 1e-5) + 1e-9).all()
    forward = getattr(built, "forward_layer", built)
    values = tf.constant(x)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(values)
        outputs = forward(values)
        last = outputs[:, -1] if forward.return_sequences else outputs
    jacobian = np.asarray(tape.jacobian(last, values, experimental_use_pfor=False))[0, :, 0]
    wanted = [np.linalg.norm(jacobian[:, 8 - k], 2) for k in range(9)]
    np.testing.assert_allclose(found["gradient"], wanted, rtol=1e-4, atol=1e-7)


def test_the_bound_of_a_simple_layer_is_the_decks():
    network = network_of(L.SimpleRNN(3, name="r"))
    into, back = (np.asarray(weight) for weight in network.get_layer("r").weights[:2])
    x = steps()
    worked = rnn.work(x[0], into, back, np.zeros(3)).grid("gradient through time")
    found = measured(network, "r", x)
    np.testing.assert_allclose(found["gradient"], worked[:, 1], rtol=1e-4)
    np.testing.assert_allclose(found["bound"], worked[:, 2], rtol=1e-5)


def test_only_layers_with_one_state_per_step_are_measured():
    assert not is_recurrent(L.Dense(1))
    assert not is_recurrent(L.Bidirectional(L.RNN(L.LSTMCell(2))))
