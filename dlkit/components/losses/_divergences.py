"""Penalties on codes: one value per example (n,), in nats for divergences."""

import math
from typing import Any

import keras
from keras import ops


def kl_to_standard_normal(mean: Any, log_variance: Any) -> Any:
    """Return KL(N(mean, exp(log_variance)) || N(0, 1)) summed over latent dimensions (Kingma, 2014, appendix B).

    1/2 sum_j (mean_j^2 + variance_j - 1 - log_variance_j); both arguments have shape (n, latent).
    """
    mean, log_variance = _flat(mean), _flat(log_variance)
    return 0.5 * ops.sum(ops.square(mean) + ops.exp(log_variance) - 1.0 - log_variance, axis=-1)


def absolute_sum(code: Any) -> Any:
    """Return sum_j |h_j|, the L1 norm of each code (n, ...)."""
    return ops.sum(ops.abs(_flat(code)), axis=-1)


def kl_to_rate(code: Any, rho: float) -> Any:
    """Return sum_j KL(rho || mean of h_j over the batch) for codes (n, ...) from 0 to 1.

    rho ln(rho / r_j) + (1 - rho) ln((1 - rho) / (1 - r_j)), where r_j is the mean activation of unit j over the batch.
    Every example of a batch gets the same value.
    """
    code = _flat(code)
    rate = ops.clip(ops.mean(code, axis=0), 1e-6, 1 - 1e-6)
    per_unit = rho * ops.log(rho / rate) + (1 - rho) * ops.log((1 - rho) / (1 - rate))
    return ops.zeros_like(code[:, 0]) + ops.sum(per_unit)


def _flat(values: Any) -> Any:
    """Reshape (n, ...) to (n, count) in full precision."""
    full = ops.cast(values, keras.config.floatx())
    return full if len(full.shape) == 2 else ops.reshape(full, (-1, math.prod(full.shape[1:])))
