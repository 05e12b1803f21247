"""Warnings of transposed convolutions whose kernels overlap unevenly, and the picture of it."""

import numpy as np
import pytest

from dlkit.figures.overlap_pattern import overlap_counts, overlap_pattern_figure
from dlkit.recipe import load_recipe
from dlkit.recipe.advice import overlap_of, overlaps

LAYERS = (
    "[{Conv2DTranspose: {filters: 4, kernel_size: 3, strides: 2}}, "
    "{Conv2DTranspose: {filters: 4, kernel_size: [4, 3], strides: [2, 3]}}, "
    "{TransposedConvolution: {filters: 1, kernel_size: 3}}]"
)


def test_transposed_convolutions_of_a_recipe_are_found_with_their_place():
    recipe = load_recipe("digits_mlp", [f"model.sequential.layers={LAYERS}", "expect.layers=null"]).recipe
    found = overlaps(recipe)
    assert [(o.kernel, o.stride, o.uneven) for o in found] == [(3, 2, True), (4, 2, False), (3, 1, False)]
    warning = found[0].warning()
    assert "the kernel size 3 is not divisible by the stride 2" in warning.message
    assert "a kernel size of 4" in warning.hint
    assert warning.location is not None


def test_of_several_axes_the_worst_counts():
    assert overlap_of("up", (4, 3), 2).uneven
    assert not overlap_of("up", 4, (2, 4)).uneven


@pytest.mark.parametrize(("kernel", "stride", "values"), [(4, 2, {4}), (3, 2, {1, 2, 4}), (2, 2, {1}), (3, 3, {1})])
def test_overlaps_away_from_the_border(kernel, stride, values):
    counts = overlap_counts(kernel, stride)
    assert counts.shape == (5 * stride + kernel,) * 2
    assert set(np.unique(counts[kernel:-kernel, kernel:-kernel])) == values
    title = overlap_pattern_figure("up", kernel, stride).get_suptitle()
    inside = str(values) if len(values) == 1 else f"{min(values)} to {max(values)}"
    assert title.endswith(f"\n{inside.strip('{}')} kernels cover a pixel inside")
