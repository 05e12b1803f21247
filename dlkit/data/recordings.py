"""Report on recordings: durations, sampling rates, levels, clipping, silence, and who speaks in which split."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.components.datasets._recordings import MOSTLY, Facts
from dlkit.interfaces.data import Dataset, Split


def recordings_report(dataset: Dataset, splits: Mapping[str, Split]) -> dict[str, Any]:
    """Return the documented JSON form by split; empty for other data than recordings."""
    known: Mapping[Path, Facts] = getattr(dataset, "recordings", {})
    if not known:
        return {}
    return {
        name: _of_split(dataset, {path: known[path] for path in map(Path, split.names)})
        for name, split in splits.items()
        if split.names is not None
    }


def _of_split(dataset: Any, found: Mapping[Path, Facts]) -> dict[str, Any]:
    seconds = np.asarray([facts.seconds for facts in found.values()])
    spread = {"shortest": seconds.min(), "median": np.median(seconds), "longest": seconds.max(), "total": seconds.sum()}
    levels = [facts.level for facts in found.values()]
    speakers = Counter(dataset.speaker(path) for path in found)
    return {
        "seconds": {name: round(float(value), 3) for name, value in spread.items()},
        "sampling_rates": _counts(facts.sampling_rate for facts in found.values()),
        "channels": _counts(facts.channels for facts in found.values()),
        "level": {"softest": round(min(levels), 1), "loudest": round(max(levels), 1)},
        "clipped": sum(facts.clipped > 0 for facts in found.values()),
        "mostly_silent": sum(facts.silence > MOSTLY for facts in found.values()),
        "speakers": {name: count for name, count in sorted(speakers.items()) if name},
    }


def _counts(values: Iterator[int]) -> dict[str, int]:
    return {str(value): count for value, count in sorted(Counter(values).items())}


def recordings_warnings(content: Mapping[str, Any], sampling_rate: int | None) -> list[str]:
    """Return what to check before training: clipping, silence, resampling, and speakers of several splits."""
    found = []
    for name, part in content.items():
        other = {rate: count for rate, count in part["sampling_rates"].items() if rate != str(sampling_rate)}
        found += [
            f"{count} recordings of {name} have {rate} Hz and are resampled to {sampling_rate} Hz"
            for rate, count in other.items()
        ]
        if part["clipped"]:
            found.append(f"{part['clipped']} recordings of {name} are clipped")
        if part["mostly_silent"]:
            found.append(f"{part['mostly_silent']} recordings of {name} are silent for more than half of their time")
    train = set(content.get("train", {}).get("speakers", {}))
    for name, part in content.items():
        both = train & set(part["speakers"])
        if name != "train" and both:
            found.append(
                f"{len(both)} of the {len(part['speakers'])} speakers of {name} also speak in train, so that its score "
                "says little about new speakers"
            )
    return found
