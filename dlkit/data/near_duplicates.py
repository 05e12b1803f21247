"""Images that look alike: 64-bit difference hashes, and exactly which lie within a few bits of one another.

The hash says for 8 rows of 9 grey cells whether each cell is brighter than the one to its left (N. Krawetz, "Kind of
Like That", 2013). Two hashes that differ in at most 4 of 64 bits agree in at least one of 5 bands of bits wholly, so
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
    """Whether the examples (n, height, width, 1 or 3) are 8-bit pictures that are large enough to be hashed."""
    return (
        inputs.ndim == 4 and inputs.dtype == np.uint8 and min(inputs.shape[1:3]) >= ROWS and inputs.shape[3] in (1, 3)
    )


def difference_hashes(images: np.ndarray) -> np.ndarray:
    """Hashes uint64 (n,) of images uint8 (n, height, width, channels), a chunk at a time."""
    rows, columns = _cells(images.shape[1], ROWS), _cells(images.shape[2], COLUMNS)
    found = np.empty(len(images), np.uint64)
    for start in range(0, len(images), CHUNK):
        grey = np.asarray(images[start : start + CHUNK]).mean(axis=-1, dtype=np.float32)
        cells = rows @ grey @ columns.T
        bits = (cells[:, :, 1:] > cells[:, :, :-1]).reshape(len(cells), -1)
        found[start : start + CHUNK] = np.packbits(bits, axis=1).view(">u8")[:, 0]
    return found


def _cells(size: int, count: int) -> np.ndarray:
    """Weights float32 (count, size) that average `size` pixels into `count` cells by the area they share."""
    edges = np.linspace(0, size, count + 1)
    pixels = np.arange(size)
    shared = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights: np.ndarray = (np.clip(shared, 0, None) * count / size).astype(np.float32)
    return weights


@dataclass(frozen=True)
class Neighbours:
    """For every distinct hash: how often each split has it, and whether a split has another one close to it."""

    hashes: np.ndarray
    counts: np.ndarray
    near: np.ndarray


def neighbours(hashes: np.ndarray, splits: np.ndarray, distance: int = DISTANCE) -> Neighbours:
    """Compare all hashes (n,) of examples in splits (n,) counted from 0; memory grows with n, not with the pairs."""
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
    """Masks that share the 64 bits out, the most informative ones first, so that no band says next to nothing."""
    bits = np.unpackbits(hashes.astype(">u8").view(np.uint8).reshape(-1, 8), axis=1)
    order = np.argsort(np.abs(bits.mean(axis=0) - 0.5), kind="stable")
    parts = [order[start::count] for start in range(count)]
    return [np.uint64(sum(1 << int(63 - bit) for bit in part)) for part in parts]


def _mark(group: np.ndarray, hashes: np.ndarray, counts: np.ndarray, near: np.ndarray, distance: int) -> None:
    """Mark all close pairs within a group that shares a band, a block of rows at a time."""
    step = max(1, BLOCK_VALUES // len(group))
    own, present = hashes[group], counts[group] > 0
    for start in range(0, len(group), step):
        rows = slice(start, start + step)
        close = np.bitwise_count(own[rows, None] ^ own[None, :]) <= distance
        close[np.arange(len(close)), np.arange(start, start + len(close))] = False
        hit = np.flatnonzero(close.any(axis=1))
        for row in hit:
            near[group[start + row]] |= present[close[row]].any(axis=0)


def near_counts(names: list[str], hashes: np.ndarray, exact: np.ndarray, splits: np.ndarray) -> dict[str, Any]:
    """Examples with a close one that is no exact copy, within each split and across each pair of them.

    exact: a number (n,) that equal examples share.
    """
    found = neighbours(hashes, splits)
    places = np.searchsorted(found.hashes, hashes)
    copies = np.zeros((int(exact.max(initial=0)) + 1, len(names)), np.int64)
    np.add.at(copies, (exact, splits), 1)
    alike = (found.counts[places] > copies[exact]) | found.near[places]
    within = {name: int(alike[splits == index, index].sum()) for index, name in enumerate(names)}
    across = {}
    for second, later in enumerate(names):
        for first, earlier in enumerate(names[:second]):
            across[f"{later} in {earlier}"] = int(alike[splits == second, first].sum())
    return {"within": within, "across": across}
