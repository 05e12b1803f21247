"""A tower of equal Dense layers."""

import keras


def tower(inputs, targets, *, depth: int = 2, units: int = 16) -> keras.Model:
    """A tower of Dense layers under a softmax head."""
    entry = keras.Input(inputs.shape, dtype=inputs.dtype, name="inputs")
    x = keras.layers.Flatten()(entry)
    for _ in range(depth):
        x = keras.layers.Dense(units, activation="relu")(x)
    return keras.Model(entry, keras.layers.Dense(targets.shape[0], activation="softmax")(x))
