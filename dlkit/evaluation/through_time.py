"""Measure how the last output of a recurrent layer depends on its inputs, and bound it (deck 002)."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

MOST_STEPS = 60


def is_recurrent(layer: Any) -> bool:
    """Return whether a layer is a SimpleRNN, LSTM or GRU, alone or in both directions."""
    return isinstance(forward_of(layer), keras.layers.SimpleRNN | keras.layers.LSTM | keras.layers.GRU)


def forward_of(layer: Any) -> Any:
    """Return the layer that reads a sequence forwards."""
    return layer.forward_layer if isinstance(layer, keras.layers.Bidirectional) else layer


def measured(network: keras.Model, name: str, seen: Any) -> dict[str, list[float]]:
    """Return |dh_T/di_(T-k)| and its bound for k = 0, 1 ..., as lists.

    seen: the network's input for one example. Norms are largest singular values. The bound of a SimpleRNN is the
    deck's, |w_rec|^k |w_in|, for activations whose slope is at most 1; that of an LSTM or GRU, whose gates have no such
    constant, is the product of the norms of its steps, |dh_T/ds_T| |ds_T/ds_(T-1)| ... |ds_(T-k)/di_(T-k)|, s states.
    """
    layer = network.get_layer(name)
    steps = keras.Model(network.input, layer.input)(seen, training=False)[:, -MOST_STEPS:]
    cell = forward_of(layer).cell
    gradients, bounds = _through_time(cell, [steps[:, t] for t in range(steps.shape[1])])
    if isinstance(cell, keras.layers.SimpleRNNCell):
        into, back = (np.linalg.norm(np.asarray(weight), 2) for weight in (cell.kernel, cell.recurrent_kernel))
        bounds = [float(into * back**k) for k in range(len(gradients))]
    return {"gradient": gradients, "bound": bounds}


def _through_time(cell: Any, inputs: list[Any]) -> tuple[list[float], list[float]]:
    states = [tf.zeros((1, size)) for size in _sizes(cell)]
    state = tf.concat(states, 1)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([state, *inputs])
        path = [state]
        for step in inputs:
            _, after = cell(step, tf.split(path[-1], _sizes(cell), 1))
            path.append(tf.concat(tf.nest.flatten(after), 1))
        output = path[-1][:, : _sizes(cell)[0]]
    gradients = [_norm(tape, output, step) for step in reversed(inputs)]
    outer, bounds = _norm(tape, output, path[-1]), []
    for t in range(len(inputs), 0, -1):
        bounds.append(outer * _norm(tape, path[t], inputs[t - 1]))
        outer *= _norm(tape, path[t], path[t - 1]) if t > 1 else 1.0
    return gradients, bounds


def _sizes(cell: Any) -> list[int]:
    return list(cell.state_size) if isinstance(cell.state_size, list | tuple) else [cell.state_size]


def _norm(tape: Any, output: Any, source: Any) -> float:
    """Return the spectral norm of a Jacobian; row by row, because tracing a graph for all rows takes seconds."""
    jacobian = np.asarray(tape.jacobian(output, source, experimental_use_pfor=False))
    return float(np.linalg.norm(jacobian[0, :, 0], 2))
