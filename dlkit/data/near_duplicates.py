"""Find images that look alike: 64-bit difference hashes, and an exact search for hashes that differ in a few bits.

For 8 rows of 9 grey cells, the hash records whether each cell is brighter than its left neighbour (N. Krawetz, "Kind of
Like That", 2013). Two hashes that differ in at most 4 of 64 bits have at least one of 5 bands of bits in common, so
only examples that share a band are compared, and no pair is missed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

ROWS, COLUMNS = 8, 9
DISTANCE = 4
CHUNK = 256
BLOCK_VALUES = 1 << 22


def is_image(inputs: np.ndarray) -> bool:
    """Return whether the examples (n, height, width, 1 or 3) are 8-bit images that are large enough to be hashed."""
    return (
        inputs.ndim == 4 and inputs.dtype == np.uint8 and min(inputs.shape[1:3]) >= ROWS and inputs.shape[3] in (1, 3)
    )


def difference_hashes(images: np.ndarray) -> np.ndarray:
    """Return hashes uint64 (n,) of images uint8 (n, height, width, channels), computed in chunks."""
    rows, columns = _cells(images.shape[1], ROWS), _cells(images.shape[2], COLUMNS)
    found = np.empty(len(images), np.uint64)
    for start in range(0, len(images), CHUNK):
        grey = np.asarray(images[start : start + CHUNK]).mean(axis=-1, dtype=np.float32)
        cells = rows @ grey @ columns.T
        bits = (cells[:, :, 1:] > cells[:, :, :-1]).reshape(len(cells), -1)
        found[start : start + CHUNK] = np.packbits(bits, axis=1).view(">u8")[:, 0]
    return found


def _cells(size: int, count: int) -> np.ndarray:
    """Return weights float32 (count, size) that average `size` pixels into `count` cells by overlapping area."""
    edges = np.linspace(0, size, count + 1)
    pixels = np.arange(size)
    shared = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights: np.ndarray = (np.clip(shared, 0, None) * count / size).astype(np.float32)
    return weights


@dataclass(frozen=True)
class Neighbours:
    """For each distinct hash, its number of examples per split, and whether a split has a different hash near it."""

    hashes: np.ndarray
    counts: np.ndarray
    near: np.ndarray


def neighbours(hashes: np.ndarray, splits: np.ndarray, distance: int = DISTANCE) -> Neighbours:
    """Compare all hashes (n,) of examples in splits (n,), numbered from 0, with memory linear in n."""
    distinct, places = np.unique(hashes, return_inverse=True)
    counts = np.zeros((len(distinct), int(splits.max(initial=0)) + 1), np.int64)
    np.add.at(counts, (places, splits), 1)
    near = np.zeros(counts.shape, bool)
    for band in _bands(distinct, distance + 1):
        keys = distinct & band
        order = np.argsort(keys, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(keys[order]) != 0])
        for group in np.split(order, starts[1:]):
            if len(group) > 1:
                _mark(group, distinct, counts, near, distance)
    return Neighbours(distinct, counts, near)


def _bands(hashes: np.ndarray, count: int) -> list[np.uint64]:
    """Return masks that partition the 64 bits, the most informative bits spread over all bands."""
    bits = np.unpackbits(hashes.astype(">u8").view(np.uint8).reshape(-1, 8), axis=1)
    order = np.argsort(np.abs(bits.mean(axis=0) - 0.5), kind="stable")
    parts = [order[start::count] for start in range(count)]
    return [np.uint64(sum(1 << int(63 - bit) for bit in part)) for part in parts]


def _mark(group: np.ndarray, hashes: np.ndarray, counts: np.ndarray, near: np.ndarray, distance: int) -> None:
    """Mark all near pairs within a group that shares a band, one block of rows at a time."""
    step = max(1, BLOCK_VALUES // len(group))
    own, present = hashes[group], counts[group] > 0
    for start in range(0, len(group), step):
        rows = slice(start, start + step)
        close = np.bitwise_count(own[rows, None] ^ own[None, :]) <= distance
        close[np.arange(len(close)), np.arange(start, start + len(close))] = False
        hit = np.flatnonzero(close.any(axis=1))
        for row in hit:
            near[group[start + row]] |= present[close[row]].any(axis=0)


def alike(hashes: np.ndarray, exact: np.ndarray, splits: np.ndarray) -> np.ndarray:
    """Return bool (n, splits): whether an example has a near one in a split that is not an exact copy of it.

    exact: integers (n,), equal for identical examples.
    """
    found = neighbours(hashes, splits)
    places = np.searchsorted(found.hashes, hashes)
    copies = np.zeros((int(exact.max(initial=0)) + 1, found.counts.shape[1]), np.int64)
    np.add.at(copies, (exact, splits), 1)
    similar: np.ndarray = (found.counts[places] > copies[exact]) | found.near[places]
    return similar


def near_counts(names: list[str], similar: np.ndarray, splits: np.ndarray) -> dict[str, Any]:
    """Return how many examples have a near one (see `alike`), within each split and across each pair of splits."""
    within = {name: int(similar[splits == index, index].sum()) for index, name in enumerate(names)}
    across = {}
    for second, later in enumerate(names):
        for first, earlier in enumerate(names[:second]):
            across[f"{later} in {earlier}"] = int(similar[splits == second, first].sum())
    return {"within": within, "across": across}
