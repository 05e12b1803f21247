"""Penalties on codes: the closed forms against integrals, fixtures and hand-made sums."""

import keras
import numpy as np
import pytest

from dlkit.components.losses._divergences import absolute_sum, kl_to_rate, kl_to_standard_normal


@pytest.mark.parametrize(("mean", "variance"), [(0.0, 1.0), (0.7, 0.25), (-1.5, 2.0), (3.0, 0.01)])
def test_kl_of_normals_is_the_integral(mean, variance):
    x = np.linspace(mean - 12 * variance**0.5, mean + 12 * variance**0.5, 400_001)
    density = np.exp(-((x - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    log_ratio = -((x - mean) ** 2) / (2 * variance) - np.log(variance) / 2 + x**2 / 2
    integral = np.trapezoid(density * log_ratio, x)
    keras.config.set_floatx("float64")
    found = kl_to_standard_normal(np.array([[mean]]), np.log(np.array([[variance]])))
    np.testing.assert_allclose(found, [integral], rtol=1e-9, atol=1e-12)


def test_kl_sums_over_latent_numbers_of_each_example():
    mean, log_variance = np.array([[1.0, 2.0], [0.0, 0.0]]), np.zeros((2, 2))
    np.testing.assert_allclose(kl_to_standard_normal(mean, log_variance), [2.5, 0.0])


@pytest.mark.parametrize(
    ("p", "q", "value"),
    [([0.5, 0.3, 0.2], [0.4, 0.4, 0.2], 0.02526715392), ([0.4, 0.4, 0.2], [0.5, 0.3, 0.2], 0.02581540846)],
)
def test_the_loss_kl_divergence_is_the_fixture(p, q, value):
    keras.config.set_floatx("float64")
    loss = keras.losses.KLDivergence(dtype="float64")(np.array([p]), np.array([q]))
    np.testing.assert_allclose(loss, value, atol=5e-12)


def test_absolute_sum_counts_every_number_of_a_code():
    np.testing.assert_allclose(absolute_sum(np.array([[[1.0, -2.0], [0.5, 0.0]], [[0.0] * 2] * 2])), [3.5, 0.0])


def test_kl_to_rate_compares_each_unit_with_rho_over_the_batch():
    codes = np.array([[0.1, 0.5], [0.3, 0.5], [0.2, 0.5]])
    expected = sum(0.05 * np.log(0.05 / r) + 0.95 * np.log(0.95 / (1 - r)) for r in (0.2, 0.5))
    np.testing.assert_allclose(kl_to_rate(codes, 0.05), [expected] * 3, rtol=1e-6)
    np.testing.assert_allclose(kl_to_rate(np.full((4, 3), 0.05), 0.05), np.zeros(4), atol=1e-7)
