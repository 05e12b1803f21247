"""Examine recordings once for each state of their files: rate, duration, level and clipping, or why one is unusable."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.errors import InputError
from dlkit.files.cache import cached_json
from dlkit.media.audio import read_recording

SILENT_DECIBELS, SILENT_SECONDS = -50, 0.01
MOSTLY = 0.5
"""From this share of silence on, a recording is mostly silent."""


@dataclass(frozen=True)
class Facts:
    """What is known of a recording: rate in Hz, level (root mean square) and peak in dB below full scale.

    clipped: how many values are at the end of the range. silence: the share of it whose level is below -50 dB.
    """

    sampling_rate: int
    channels: int
    seconds: float
    level: float
    peak: float
    clipped: int
    silence: float


def examined(paths: Sequence[Path]) -> dict[Path, Facts | str]:
    """Return what is known of each file, or the reason why it is unusable."""
    found = cached_json("recordings", [stamp(paths), [str(path) for path in paths]], lambda: _examine_all(paths))
    return {
        path: content if isinstance(content, str) else Facts(**content)
        for path, content in zip(paths, found, strict=True)
    }


def stamp(paths: Sequence[Path]) -> list[list[Any]]:
    """Return path, size and modification time of every file, which identify its state in caches."""
    return [[str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns] for path in paths]


def _examine_all(paths: Sequence[Path]) -> list[dict[str, Any] | str]:
    def one(path: Path) -> dict[str, Any] | str:
        try:
            return asdict(_facts(path))
        except InputError as error:
            return f"{error}; {error.problems[0].hint}"

    with ThreadPoolExecutor() as pool:
        return list(pool.map(one, paths))


def _facts(path: Path) -> Facts:
    found = read_recording(path)
    samples = found.samples.astype(np.float64)
    size = max(1, int(SILENT_SECONDS * found.sampling_rate))
    parts = samples[: max(size, len(samples) // size * size)]
    levels = decibels(np.sqrt(np.mean(parts.reshape(-1, min(size, len(parts))) ** 2, axis=1)))
    return Facts(
        found.sampling_rate,
        found.channels,
        found.seconds,
        float(decibels(np.sqrt(np.mean(samples**2)))),
        float(decibels(np.abs(samples).max())),
        found.clipped,
        float(np.mean(levels < SILENT_DECIBELS)),
    )


def decibels(amplitudes: Any) -> Any:
    """Return amplitudes in dB below full scale, at least -120."""
    return 20 * np.log10(np.maximum(amplitudes, 1e-6))
