"""Plot recordings as spectrograms with the letters that a network reads at each time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.style import house_style, label

ROWS, COLUMNS = 2, 3
SHOWN = ROWS * COLUMNS
_WINDOW, _QUIETEST = 256, -80


@dataclass(frozen=True)
class Heard:
    """A recording of a split, by its number from 0: what is said, what was read, and how many edits are between them.

    samples: (samples,), at sampling_rate Hz, None if unknown; path: the letter that each frame adds, often none ("").
    """

    recording: int
    truth: str
    text: str
    edits: int
    confidence: float
    samples: np.ndarray
    path: Sequence[str]
    sampling_rate: int | None


@house_style
def transcripts_figure(worst: Sequence[Heard], wrong: int, recordings: int) -> Figure:
    """Return the spectrograms (dB) of up to SHOWN recordings, worst first, with the letters above where they are read.

    wrong, recordings: how many texts of the split have an error, and how many there are.
    """
    figure = Figure()
    figure.suptitle(f"Transcripts: {wrong:,} of {recordings:,} wrong; the {len(worst)} worst")
    grid = figure.subplots(ROWS, COLUMNS, squeeze=False).flat
    for axes in grid:
        axes.set_axis_off()
    for axes, heard in zip(figure.axes, worst, strict=False):
        axes.set_axis_on()
        rate = heard.sampling_rate or 1
        seconds = len(heard.samples) / rate
        area = (0, seconds, 0, rate / 2000)
        axes.imshow(spectrogram(heard.samples), "gray_r", aspect="auto", vmin=_QUIETEST, origin="lower", extent=area)
        _write_letters(axes, heard.path, seconds, rate / 2000)
        axes.set_title(f"said: {label(heard.truth, 18)}\nread: {label(heard.text, 18)}", fontsize=13)
        axes.set(xlabel="time (s)" if heard.sampling_rate else "samples", ylabel="kHz")
    return figure


def spectrogram(samples: np.ndarray) -> np.ndarray:
    """Return the levels of a recording in dB below its loudest, (frequencies, frames), with Hann windows of 256."""
    padded = np.pad(samples, (0, max(0, _WINDOW - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[:: _WINDOW // 4] * np.hanning(_WINDOW)
    power = np.abs(np.fft.rfft(frames)) ** 2
    found: np.ndarray = 10 * np.log10(np.maximum(power / max(power.max(), 1e-30), 1e-12)).T
    return found


def _write_letters(axes: object, path: Sequence[str], seconds: float, top: float) -> None:
    for frame, letter in enumerate(path):
        if letter:
            time = (frame + 0.5) / len(path) * seconds
            axes.axvline(time, color="C2", linewidth=1)  # type: ignore[attr-defined]
            shown = letter if letter.strip() else "\u2423"
            axes.text(time, 0.97 * top, shown, color="C2", ha="center", va="top", fontweight="bold")  # type: ignore[attr-defined]
