"""Plot how often the kernels of a transposed convolution overlap in each pixel: even or a checkerboard."""

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.style import house_style, label

INPUTS = 6


def overlap_counts(kernel: int, stride: int, inputs: int = INPUTS) -> np.ndarray:
    """Return the number of kernels covering each output pixel (size, size) int64, for inputs x inputs, no padding."""
    line = np.zeros((inputs - 1) * stride + kernel, np.int64)
    for index in range(inputs):
        line[index * stride : index * stride + kernel] += 1
    return np.outer(line, line)


@house_style
def overlap_pattern_figure(name: str, kernel: int, stride: int) -> Figure:
    """Return a figure of a layer's overlap counts, with their range away from the border in the title."""
    inputs = max(INPUTS, 3 * -(-kernel // stride))
    counts = overlap_counts(kernel, stride, inputs)
    inner = counts[kernel:-kernel, kernel:-kernel]
    figure = Figure()
    axes = figure.add_subplot()
    image = axes.imshow(counts)
    figure.colorbar(image, ax=axes, label="kernels that cover a pixel")
    inside = f"{inner.min()}" if inner.min() == inner.max() else f"{inner.min()} to {inner.max()}"
    overlap = f"Overlap of the kernels of {label(name)}: kernel {kernel}, stride {stride}"
    figure.suptitle(f"{overlap}\n{inside} kernels cover a pixel inside")
    axes.set(xlabel="output column (pixels)", ylabel="output row (pixels)")
    return figure
