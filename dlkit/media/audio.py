"""Read recordings: WAV and FLAC files as mono samples at one sampling rate."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.errors import InputError, MissingError
from dlkit.safety.audio import MAX_VALUES, checked_audio

SUFFIXES = frozenset({".wav", ".flac"})
INSTALL = "pip install 'dlkit[audio]'"


@dataclass(frozen=True)
class Recording:
    """A decoded file: samples float32 (samples,) from -1 to 1, of `channels` channels mixed, at `sampling_rate` Hz.

    clipped: how many values of the file are at the end of its range.
    """

    samples: np.ndarray
    sampling_rate: int
    channels: int
    clipped: int

    @property
    def seconds(self) -> float:
        """Return the duration."""
        return len(self.samples) / self.sampling_rate


def read_audio(path: Path, sampling_rate: int) -> np.ndarray:
    """Return a recording as float32 (samples,) at a sampling rate in Hz, its channels averaged.

    Another rate is resampled with soxr. Raises InputError for a file that is damaged, of another format, silent or not
    finite, and MissingError if the packages for audio are not installed.
    """
    found = read_recording(path)
    if found.sampling_rate == sampling_rate:
        return found.samples
    return resampled(found.samples, found.sampling_rate, sampling_rate)


def read_recording(path: Path) -> Recording:
    """Return a recording as it is in its file, at its own sampling rate."""
    checked_audio(path)
    values, rate = _decoded(path)
    if not len(values):
        raise InputError(f"{path} has no samples", "record it again, or remove it")
    with np.errstate(over="ignore", invalid="ignore"):  # channels of a float file may overflow when they are added
        samples = values.mean(axis=1, dtype=np.float32)
    if not np.isfinite(samples).all():
        place = int(np.flatnonzero(~np.isfinite(samples))[0])
        raise InputError(f"{path} contains NaN or infinity, first at sample {place:,}", "write the file again")
    if samples.min() == samples.max():
        raise InputError(f"{path} is silent: all {len(samples):,} samples are {samples[0]:g}", "remove it")
    return Recording(samples, rate, values.shape[1], int((np.abs(values) >= 1 - 2**-15).sum()))


def resampled(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Return float32 samples (n,) at another rate in Hz, with soxr at its quality HQ."""
    found: np.ndarray = _package("soxr").resample(samples, rate, wanted, quality="HQ")
    return found.astype(np.float32)


def _decoded(path: Path) -> tuple[np.ndarray, int]:
    """Return values float32 (samples, channels) and the sampling rate in Hz."""
    soundfile = _package("soundfile")
    try:
        with soundfile.SoundFile(path) as file:
            frames, shape = file.frames, f"{file.frames:,} samples of {file.channels} channels"
            if frames * file.channels > MAX_VALUES:
                raise InputError(f"{path} has {shape}", f"cut it into recordings of at most {MAX_VALUES:,} values")
            values = file.read(dtype="float32", always_2d=True)
            rate = int(file.samplerate)
    except soundfile.LibsndfileError as error:
        raise InputError(f"cannot read {path}: {error.error_string}", "record or convert it again") from error
    if len(values) < frames:
        raise InputError(f"{path} is truncated: {len(values):,} of {frames:,} samples are there", "copy it again")
    return values, rate


@cache
def _package(name: str) -> Any:
    try:
        return import_module(name)
    except (ImportError, OSError) as error:  # soundfile raises OSError without its library
        raise MissingError(f"audio needs {name}, which is not installed", INSTALL) from error
