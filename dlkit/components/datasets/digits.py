"""The handwritten digits included in scikit-learn: 1,797 grey images of 8x8 pixels, without a download."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from dlkit.interfaces.data import ArraySpec, Description, Resizer, Split, check_split, resized, seeded_split

EXAMPLES = 1797


@dataclass(frozen=True, kw_only=True)
class Digits:
    """Handwritten digits included in scikit-learn (UCI Optical Recognition of Handwritten Digits), 8x8x1 uint8.

    The 17 grey levels of the source are rescaled to 0..255, so that PNG images of digits have the same value range.
    """

    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    def describe(self) -> Description:
        """Return the sizes without loading scikit-learn; test has ceil(n * test_fraction) examples."""
        test = int(np.ceil(EXAMPLES * self.test_fraction))
        names = tuple(str(digit) for digit in range(10))
        splits = {"train": EXAMPLES - test, "test": test}
        return Description(ArraySpec((8, 8, 1), "uint8"), ArraySpec((), "int64"), names, splits)

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return images uint8 (n, 8, 8, 1) and labels int64 (n,)."""
        from sklearn.datasets import load_digits

        check_split(split, ["train", "test"])
        source = load_digits()
        images = np.rint(source.images * (255 / 16)).astype(np.uint8)[..., np.newaxis]
        labels = source.target.astype(np.int64)
        train, test = seeded_split(labels, self.test_fraction, self.seed, stratify=True)
        part = Split(images, labels).select(train if split == "train" else test)
        return Split(resized(part.inputs, resize), part.targets)
