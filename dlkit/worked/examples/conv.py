"""Deck 000: a convolution of one image with one kernel."""

import numpy as np

from dlkit.errors import InputError
from dlkit.worked.fixtures import PATCH, SHARPEN
from dlkit.worked.numbers import Matrix, Vector
from dlkit.worked.result import Value, Worked, image, product
from dlkit.worked.windows import padded, windows


def work(
    input: Matrix = PATCH,
    kernel: Matrix = SHARPEN,
    stride: int = 2,
    padding: int = 1,
    flip: bool = False,
    at: Vector = (0, 0),
) -> Worked:
    """A convolution of an image, with the arithmetic of the output pixel at row, column; flip: turn the kernel."""
    picture, weights = np.array(input, float), np.array(kernel, float)
    if flip:
        weights = weights[::-1, ::-1]
    framed = padded(picture, padding)
    seen = windows(framed, weights.shape, stride)
    output = np.einsum("rcij,ij->rc", seen, weights)
    row, column = _place(at, output.shape)
    used = np.nonzero(weights)
    terms = product(weights[used].tolist(), seen[row, column][used].tolist()) or "0"
    sizes = [
        Value(f"output {name}", f"({size} - {width} + 2*{padding})/{stride} + 1", found)
        for name, size, width, found in zip(
            ("height", "width"), picture.shape, weights.shape, output.shape, strict=True
        )
    ]
    return Worked(
        f"Convolution with a stride of {stride} and a padding of {padding}",
        (
            image("input with its padding", framed),
            image("kernel", weights, "turned by 180 degrees" if flip else "as written: Keras does not turn it"),
            image("output", output),
        ),
        (*sizes, Value(f"output[{row}, {column}]", terms, float(output[row, column]))),
    )


def _place(at: Vector, shape: tuple[int, ...]) -> tuple[int, int]:
    place = tuple(int(value) for value in at)
    if len(place) != 2 or not all(0 <= value < size for value, size in zip(place, shape, strict=True)):
        raise InputError(f"at {list(place)} is outside of the output {list(shape)}", "give row and column from 0")
    return place[0], place[1]
