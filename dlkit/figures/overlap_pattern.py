"""Plot how often the kernels of a transposed convolution overlap in each pixel: even or checkerboard (deck 003)."""

import numpy as np
from matplotlib.figure import Figure

INPUTS = 6


def overlap_counts(kernel: int, stride: int, inputs: int = INPUTS) -> np.ndarray:
    """Return the number of kernels covering each output pixel (size, size) int64, for inputs x inputs, no padding."""
    line = np.zeros((inputs - 1) * stride + kernel, np.int64)
    for index in range(inputs):
        line[index * stride : index * stride + kernel] += 1
    return np.outer(line, line)


def overlap_pattern_figure(name: str, kernel: int, stride: int) -> Figure:
    """Return a figure of a layer's overlap counts, with their range away from the border in the title."""
    inputs = max(INPUTS, 3 * -(-kernel // stride))
    counts = overlap_counts(kernel, stride, inputs)
    inner = counts[kernel:-kernel, kernel:-kernel]
    figure = Figure(figsize=(5, 4.6), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(counts, cmap="viridis", interpolation="nearest")
    figure.colorbar(image, ax=axes, label="kernels that cover a pixel")
    varying = f"{inner.min()} everywhere inside" if inner.min() == inner.max() else f"{inner.min()} to {inner.max()}"
    axes.set(title=f"{name}: kernel {kernel}, stride {stride}\n{varying}", xlabel="output column", ylabel="output row")
    return figure
