"""Peak signal-to-noise ratio."""

import keras
import numpy as np

from dlkit.components.metrics.psnr import Psnr


def test_it_is_that_of_the_mean_squared_error():
    metric = Psnr()
    metric.update_state(np.zeros((2, 4)), np.full((2, 4), 0.1))
    np.testing.assert_allclose(metric.result(), 20.0, rtol=1e-5)
    metric.update_state(np.zeros((2, 4)), np.zeros((2, 4)))
    np.testing.assert_allclose(metric.result(), 23.0103, rtol=1e-5)


def test_the_peak_scales_it_and_no_error_is_finite():
    metric = Psnr(peak=255.0)
    metric.update_state(np.zeros((1, 2)), np.full((1, 2), 25.5))
    np.testing.assert_allclose(metric.result(), 20.0, rtol=1e-5)
    metric.reset_state()
    metric.update_state(np.zeros((1, 2)), np.zeros((1, 2)))
    np.testing.assert_allclose(metric.result(), 120.0)


def test_it_is_saved_with_its_peak():
    metric = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(Psnr(peak=2.0)))
    assert metric.peak == 2.0
