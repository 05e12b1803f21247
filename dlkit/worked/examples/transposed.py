"""Deck 003: a transposed convolution, and the ordinary one over an image with inserted zeros that equals it."""

import numpy as np

from dlkit.errors import InputError
from dlkit.worked.fixtures import ONES, SMALL_IMAGE
from dlkit.worked.numbers import Matrix
from dlkit.worked.result import Value, Worked, image
from dlkit.worked.windows import check_positive


def work(input: Matrix = SMALL_IMAGE, kernel: Matrix = ONES, stride: int = 2, padding: int = 0) -> Worked:
    """A transposed convolution: every pixel adds the kernel, times its value, to the output."""
    check_positive(stride=stride)
    picture, weights = np.array(input, float), np.array(kernel, float)
    if padding < 0 or any(
        (i - 1) * stride + k <= 2 * padding for i, k in zip(picture.shape, weights.shape, strict=True)
    ):
        raise InputError(
            f"padding {padding} leaves no output", "padding is at least 0 and smaller than half the output"
        )
    output, overlap = spread(picture, weights, stride), spread(np.ones_like(picture), np.ones_like(weights), stride)
    inside = tuple(slice(padding, side - padding) for side in output.shape)
    border = weights.shape[0] - padding - 1
    size = Value(
        "output height",
        f"({picture.shape[0]} - 1)*{stride} + {weights.shape[0]} - 2*{padding}",
        output[inside].shape[0],
    )
    notes = [f"the same as a convolution with the turned kernel: {stride - 1} zeros between pixels, {border} around"]
    if weights.shape[0] % stride:
        notes.append(f"{weights.shape[0]} is not a multiple of {stride}: pixels overlap unevenly, like a checkerboard")
    return Worked(
        f"Transposed convolution with a stride of {stride} and a padding of {padding}",
        (
            image("input", picture),
            image("kernel", weights),
            image("input with inserted zeros", _inserted(picture, stride, border)),
            image("output", output[inside]),
            image("pixels that add to an output", overlap[inside]),
        ),
        (size,),
        tuple(notes),
    )


def spread(picture: np.ndarray, weights: np.ndarray, stride: int) -> np.ndarray:
    """Return the sum of a kernel at every pixel's place, times the pixel, without cutting off the border."""
    (height, width), (rows, columns) = picture.shape, weights.shape
    output = np.zeros(((height - 1) * stride + rows, (width - 1) * stride + columns))
    for row in range(height):
        for column in range(width):
            top, left = row * stride, column * stride
            output[top : top + rows, left : left + columns] += picture[row, column] * weights
    return output


def _inserted(picture: np.ndarray, stride: int, border: int) -> np.ndarray:
    wide = np.zeros([(side - 1) * stride + 1 for side in picture.shape])
    wide[::stride, ::stride] = picture
    return np.pad(wide, border) if border > 0 else wide
