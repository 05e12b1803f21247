"""Mel spectrogram on a logarithmic scale, each example by itself."""

from typing import Annotated, Any

import keras
import numpy as np
from keras import ops
from pydantic import Field

from dlkit.analysis.facts import LayerFacts


def mel(hertz: Any) -> Any:
    """Return frequencies on the mel scale, 2595 log10(1 + f / 700) (O'Shaughnessy, 1987; HTK)."""
    return 2595 * np.log10(1 + np.asarray(hertz, np.float64) / 700)


def mel_filters(bins: int, bands: int, sampling_rate: int, lowest: float, highest: float) -> np.ndarray:
    """Return triangular filters float64 (bins, bands): band b rises to 1 at its centre and falls to 0 at the next.

    bins: those of the spectrum, from 0 Hz to half the sampling rate. The corners of the triangles are evenly spaced on
    the mel scale from lowest to highest (Hz), and their sides are straight in mel, as in HTK.
    """
    corners = np.linspace(mel(lowest), mel(highest), bands + 2)
    places = mel(np.linspace(0, sampling_rate / 2, bins))[:, np.newaxis]
    rising = (places - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - places) / (corners[2:] - corners[1:-1])
    found: np.ndarray = np.maximum(0, np.minimum(rising, falling))
    return found


@keras.saving.register_keras_serializable(package="dlkit")
class LogMel(keras.layers.Layer):
    """Returns the natural logarithm of a power spectrum summed in `num_mel_bins` triangular bands of the mel scale.

    Follows STFTSpectrogram with mode: psd. `lowest` and `highest` are the edges of the bands in Hz, by default 20 and
    half of `sampling_rate`; `floor` is the least power whose logarithm is taken. Unlike Keras' MelSpectrogram, whose
    floor is relative to the loudest example of a batch, an example gets the same values alone and in any batch.
    """

    layer_facts = LayerFacts()

    def __init__(
        self,
        *,
        sampling_rate: Annotated[int, Field(ge=1)],
        num_mel_bins: Annotated[int, Field(ge=1)] = 40,
        lowest: Annotated[float, Field(ge=0)] = 20.0,
        highest: Annotated[float, Field(gt=0)] | None = None,
        floor: Annotated[float, Field(gt=0)] = 1e-10,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sampling_rate, self.num_mel_bins = sampling_rate, num_mel_bins
        self.lowest, self.highest, self.floor = lowest, highest, floor
        if not lowest < self._top <= sampling_rate / 2:
            raise ValueError(
                f"the bands reach from {lowest:g} to {self._top:g} Hz, but a rate of {sampling_rate} Hz has "
                f"frequencies up to {sampling_rate / 2:g} Hz"
            )

    @property
    def _top(self) -> float:
        return self.sampling_rate / 2 if self.highest is None else self.highest

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Compute the filters; raise ValueError for a band that has no frequency of the spectrum."""
        bins = int(input_shape[-1] or 0)
        self._filters = mel_filters(bins, self.num_mel_bins, self.sampling_rate, self.lowest, self._top)
        empty = np.flatnonzero(self._filters.sum(axis=0) == 0)
        if len(empty):
            raise ValueError(
                f"band {empty[0]} of {self.num_mel_bins} has none of the {bins} frequencies: "
                "use fewer num_mel_bins or a larger fft_length"
            )

    def call(self, inputs: Any) -> Any:
        """Map power (n, frames, bins) to (n, frames, num_mel_bins)."""
        filters = ops.convert_to_tensor(self._filters, dtype=self.compute_dtype)
        power = ops.matmul(inputs, filters)
        audible = ops.maximum(power, self.floor)
        return ops.log(ops.where(ops.isnan(power), power, audible))  # padding: in ONNX, the larger of NaN and 1 is 1

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape with num_mel_bins as the last size."""
        return (*input_shape[:-1], self.num_mel_bins)

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        names = ("sampling_rate", "num_mel_bins", "lowest", "highest", "floor")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
