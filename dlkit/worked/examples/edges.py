"""Deck 000: edges of an image, found with a fixed kernel in a true convolution."""

import numpy as np

from dlkit.errors import InputError
from dlkit.worked.fixtures import HORIZONTAL, SQUARE, VERTICAL
from dlkit.worked.numbers import Matrix
from dlkit.worked.result import Grid, Value, Worked, image
from dlkit.worked.windows import windows


def work(input: Matrix = SQUARE, kernel: Matrix | None = None) -> Worked:
    """Vertical and horizontal edges of an image (Sobel), or the result of another kernel; sizes stay the same."""
    picture = np.array(input, float)
    kernels = {"vertical edges": VERTICAL, "horizontal edges": HORIZONTAL}
    chosen = kernels if kernel is None else {"output": kernel}
    grids: list[Grid] = [image("image", picture)]
    for name, values in chosen.items():
        weights = np.array(values, float)
        grids += [image(f"kernel of {name}", weights), image(name, _convolved(picture, weights))]
    height, width = picture.shape
    size = Value("output height", f"({height} - {len(weights)} + 2*{len(weights) // 2})/1 + 1", height)
    return Worked(
        "Edges by a fixed kernel, a true convolution with zeros around the image",
        tuple(grids),
        (size,),
        (f"{height}x{width} pixels in and out; the kernel is turned by 180 degrees, which Conv2D does not do",),
    )


def _convolved(picture: np.ndarray, weights: np.ndarray) -> np.ndarray:
    if not all(side % 2 for side in weights.shape):
        raise InputError(f"kernel has {weights.shape[0]}x{weights.shape[1]} weights", "both sides must be odd")
    border = [(side // 2, side // 2) for side in weights.shape]
    seen = windows(np.pad(picture, border), weights.shape, 1)
    return np.asarray(np.einsum("rcij,ij->rc", seen, weights[::-1, ::-1]))
