"""Sequences of different lengths and texts: flat arrays in which every example knows where it begins."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np


class Ragged:
    """Sequences of different lengths: all their steps in one array, in memory or memory-mapped.

    values: (steps, ...) of all sequences; starts, lengths: int64 (n,), where each sequence begins in `values` and how
    many steps it has. padding: what follows a sequence that is shorter than others of its batch; by default NaN for
    floats and 0 for integers. Integers are indices, such as those of words, and 0 is none of them.
    """

    def __init__(
        self, values: np.ndarray, starts: np.ndarray, lengths: np.ndarray, padding: float | None = None
    ) -> None:
        self.values = values
        self.starts, self.lengths = np.asarray(starts, np.int64), np.asarray(lengths, np.int64)
        self.dtype: np.dtype = values.dtype
        self.shape: tuple[int | None, ...] = (len(self.starts), None, *values.shape[1:])
        self.ndim = len(self.shape)
        self.padding = padding if padding is not None else (np.nan if self.dtype.kind == "f" else 0)

    @classmethod
    def of(cls, sequences: Sequence[np.ndarray], padding: float | None = None) -> "Ragged":
        """Return arrays (steps, ...) of one dtype as one Ragged."""
        lengths = np.asarray([len(sequence) for sequence in sequences], np.int64)
        return cls(np.concatenate(sequences), np.cumsum(lengths) - lengths, lengths, padding)

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[Any]:
        return (self[row] for row in range(len(self)))

    @property
    def nbytes(self) -> int:
        """Return the bytes of all steps of these sequences."""
        return int(self.lengths.sum()) * (self.values.nbytes // max(1, len(self.values)))

    @property
    def longest(self) -> int:
        """Return the steps of the longest sequence."""
        return int(self.lengths.max(initial=0))

    def select(self, rows: np.ndarray) -> "Ragged":
        """Return some of the sequences, without copying their steps."""
        return type(self)(self.values, self.starts[rows], self.lengths[rows], self.padding)

    def flat(self, rows: slice = slice(None)) -> np.ndarray:
        """Return the steps of these rows one after the other, without padding."""
        starts, lengths = self.starts[rows], self.lengths[rows]
        before = np.cumsum(lengths) - lengths
        return np.asarray(self.values[np.repeat(starts - before, lengths) + np.arange(lengths.sum())])

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Return one sequence as it is, or those of a slice or of indices, padded at the end to the longest of them."""
        if isinstance(rows, int | np.integer):
            start = self.starts[rows]
            return np.asarray(self.values[start : start + self.lengths[rows]])
        starts, lengths = self.starts[rows], self.lengths[rows]
        steps = np.arange(lengths.max(initial=0))
        inside = steps < lengths[:, np.newaxis]
        padded = np.full((*inside.shape, *self.values.shape[1:]), self.padding, self.dtype)
        padded[inside] = self.values[(starts[:, np.newaxis] + steps)[inside]]
        return padded


def as_batch(examples: Sequence[np.ndarray], varying: bool) -> np.ndarray:
    """Return examples as one array (n, ...); those of varying length are padded to the longest."""
    return Ragged.of(examples)[:] if varying else np.stack(examples)


class Texts(Ragged):
    """Texts (n,), stored as the bytes of their UTF-8 one after the other, so that a long one makes no other longer."""

    def __init__(
        self, values: np.ndarray, starts: np.ndarray, lengths: np.ndarray, padding: float | None = None
    ) -> None:
        super().__init__(values, starts, lengths, padding)
        self.dtype, self.shape, self.ndim = np.dtype("S"), (len(self.starts),), 1

    @classmethod
    def of_strings(cls, texts: Iterable[str]) -> "Texts":
        """Return texts without the character NUL, which NumPy does not keep at the end of a text."""
        encoded = [np.frombuffer(text.encode(), np.uint8) for text in texts]
        lengths = np.asarray([len(text) for text in encoded], np.int64)
        return cls(np.concatenate(encoded), np.cumsum(lengths) - lengths, lengths)

    def __getitem__(self, rows: Any) -> Any:
        """Return one text as bytes, or those of a slice or of indices as an array of bytes (n,)."""
        if isinstance(rows, int | np.integer):
            start = self.starts[rows]
            return np.bytes_(self.values[start : start + self.lengths[rows]].tobytes())
        padded = Texts._bytes(self)[rows]
        return padded.view(f"S{max(1, padded.shape[1])}")[:, 0] if padded.size else np.zeros(len(padded), "S1")

    def _bytes(self) -> Ragged:
        return Ragged(self.values, self.starts, self.lengths)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return all texts as an array of bytes (n,)."""
        return np.asarray(self[:], dtype)
