"""Muon for convolutional networks."""

from math import prod
from typing import Annotated, Any

import keras
from keras import ops
from pydantic import Field


@keras.saving.register_keras_serializable(package="dlkit")
class ConvMuon(keras.optimizers.Muon):
    """Muon that also updates convolution kernels, as matrices of height x width x inputs rows.

    Keras' own Muon leaves convolution kernels to AdamW. Jordan (2024), "Muon: an optimizer for hidden layers in neural
    networks": a step is the momentum with all its singular values set to one, here by Newton-Schulz iteration. AdamW,
    at `adam_lr_ratio` times the learning rate, updates weights with fewer than two dimensions, matrices of a single row
    or column (kernels of depthwise convolutions), and layers whose path matches one of `exclude_layers` (such as the
    last one). The other settings are those of keras.optimizers.Muon; `rms_rate` times the square root of a matrix's
    longer side scales its step. `adam_weight_decay` also shrinks the scales of batch normalisation: a smooth activation
    after it, such as SiLU or GELU, then sees values near zero, where it is almost linear; 0 leaves the scales alone.
    """

    def __init__(
        self,
        *,
        learning_rate: Any = 0.001,
        adam_lr_ratio: Annotated[float, Field(gt=0)] = 1.0,
        adam_beta_1: Annotated[float, Field(ge=0, lt=1)] = 0.9,
        adam_beta_2: Annotated[float, Field(ge=0, lt=1)] = 0.999,
        adam_weight_decay: Annotated[float, Field(ge=0)] | None = 0.004,
        weight_decay: Annotated[float, Field(ge=0)] | None = 0.004,
        momentum: Annotated[float, Field(ge=0, lt=1)] = 0.95,
        nesterov: bool = True,
        ns_steps: Annotated[int, Field(ge=1)] = 5,
        rms_rate: Annotated[float, Field(gt=0)] | None = 0.2,
        exclude_layers: list[str] | None = None,
        clipnorm: Annotated[float, Field(gt=0)] | None = None,
        global_clipnorm: Annotated[float, Field(gt=0)] | None = None,
        use_ema: bool = False,
        ema_momentum: Annotated[float, Field(ge=0, le=1)] = 0.99,
        ema_overwrite_frequency: Annotated[int, Field(ge=1)] | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            adam_lr_ratio=adam_lr_ratio,
            adam_beta_1=adam_beta_1,
            adam_beta_2=adam_beta_2,
            adam_weight_decay=adam_weight_decay,
            weight_decay=weight_decay,
            momentum=momentum,
            nesterov=nesterov,
            ns_steps=ns_steps,
            rms_rate=rms_rate,
            exclude_layers=exclude_layers,
            clipnorm=clipnorm,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            **keywords,
        )

    def _should_use_adamw(self, variable: Any) -> bool:
        matrix = _matrix_shape(variable.shape)
        return min(matrix) < 2 or bool(super()._should_use_adamw(_Matrix(variable.path, matrix)))

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """Return x with its singular values moved close to one, for a kernel of any rank, in the same shape."""
        return ops.reshape(super().zeropower_via_newtonschulz5(ops.reshape(x, _matrix_shape(x.shape)), steps), x.shape)

    def lr_adjust(self, x: Any) -> Any:
        """Scale the step by rms_rate and the square root of the matrix's longer side (Liu, 2025, arXiv 2502.16982)."""
        return x if self.rms_rate is None else x * (self.rms_rate * max(_matrix_shape(x.shape)) ** 0.5)


class _Matrix:
    """Stand-in for a variable with the path and matrix shape by which Muon chooses its update rule."""

    def __init__(self, path: str, shape: tuple[int, int]) -> None:
        self.path = path
        self.shape = shape


def _matrix_shape(shape: Any) -> tuple[int, int]:
    """Return a kernel's shape with all axes but the last merged; a vector is one row."""
    return prod(shape[:-1]), shape[-1] if shape else 1
