"""DeepLab 3 and 3+ learn four real digits by heart; their ResNet50 takes most of a minute to trace."""

import keras
import numpy as np
import pytest

from dlkit.components.datasets.digits import Digits
from dlkit.components.losses.cross_entropy_dice import CrossEntropyDice
from dlkit.components.models.deeplab import deeplab
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec


@pytest.mark.parametrize(("version", "cell"), [("3", 16), ("3plus", 8)])
def test_four_images_are_learnt_by_heart(version, cell):
    """Digits as 4 x 4 cells as wide as the network's own step, at an eighth of its width."""
    keras.utils.set_random_seed(0)
    digits = Digits().load("train", None).inputs[:4, ..., 0].astype(np.float32) / 255
    cells = digits.reshape(4, 4, 2, 4, 2).mean(axis=(2, 4))
    images = np.repeat(np.repeat(cells, cell, axis=1), cell, axis=2)[..., np.newaxis].repeat(3, axis=-1)
    masks = (images[..., :1] > 0.5).astype(np.float32)
    inputs, targets = ArraySpec(images.shape[1:], "float32"), TargetSpec((None, None, 2), ("paper", "ink"))
    network = deeplab(inputs, targets, version=version, activation="sigmoid", width_divisor=8)
    network.compile(keras.optimizers.Adam(0.005), CrossEntropyDice())
    accuracy = 0.0
    for _ in range(12):
        network.fit(images, masks, epochs=10, batch_size=4, verbose=0, shuffle=False)
        accuracy = float(np.mean((np.asarray(network(images, training=True)) > 0.5) == masks))
        if accuracy > 0.97:
            break
    assert accuracy > 0.97
