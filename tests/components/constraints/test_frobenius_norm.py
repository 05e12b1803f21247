"""FrobeniusNorm: the norm after every update, the direction as it was."""

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

from dlkit.components.constraints.frobenius_norm import FrobeniusNorm


@pytest.mark.parametrize(("settings", "norm"), [({}, 4.0), ({"norm": 2.5}, 2.5)])
def test_the_norm_is_set_and_the_direction_kept(settings, norm):
    weight = np.random.default_rng(0).normal(size=(3, 3, 5, 16)).astype("float32")
    scaled = convert_to_numpy(FrobeniusNorm(**settings)(weight))
    assert np.linalg.norm(scaled) == pytest.approx(norm, rel=1e-5)
    np.testing.assert_allclose(scaled / norm, weight / np.linalg.norm(weight), rtol=1e-5)


def test_it_holds_after_an_update():
    layer = keras.layers.Dense(9, kernel_constraint=FrobeniusNorm())
    layer.build((None, 4))
    optimizer = keras.optimizers.SGD(learning_rate=0.5)
    optimizer.build(layer.trainable_variables)
    optimizer.apply([np.ones((4, 9), "float32"), np.zeros(9, "float32")], layer.trainable_variables)
    assert np.linalg.norm(convert_to_numpy(layer.kernel)) == pytest.approx(3.0, rel=1e-5)


def test_its_settings_survive_saving():
    again = keras.constraints.deserialize(keras.constraints.serialize(FrobeniusNorm(norm=2.0)))
    assert again.get_config() == {"norm": 2.0}
