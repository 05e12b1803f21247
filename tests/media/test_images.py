"""A resizer rounds to the nearest value, for 8-bit pixels between which it interpolates."""

import numpy as np
import pytest

from dlkit.media.images import ImageResizer


def test_resized_pixels_are_rounded_and_not_cut():
    image = np.array([[10, 11, 20, 23]], np.uint8).reshape(1, 4, 1)
    resized = ImageResizer(1, 2, "bilinear", False)(image[np.newaxis])
    assert resized.dtype == np.uint8
    exact = np.array([10.5, 21.5])
    np.testing.assert_array_equal(resized.ravel(), np.round(exact))
    thirds = ImageResizer(1, 3, "bilinear", False)(np.array([[[[0], [100]]]], np.uint8))
    np.testing.assert_array_equal(thirds.ravel(), [0, 50, 100])
    up = ImageResizer(1, 4, "bilinear", False)(np.array([[[[0], [99]]]], np.uint8))
    np.testing.assert_array_equal(up.ravel(), np.round([0, 24.75, 74.25, 99]))


def test_values_do_not_leave_their_range():
    """Bicubic interpolation overshoots at edges."""
    image = np.repeat(np.array([0, 0, 255, 255], np.uint8)[np.newaxis, np.newaxis, :, np.newaxis], 4, axis=1)
    resized = ImageResizer(8, 8, "bicubic", False)(image)
    assert resized.min() == 0
    assert resized.max() == 255
    assert (np.diff(resized[0, 0, :, 0].astype(int)) >= 0).all()


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        ("uint16", 2_000, 65_535),
        ("int16", -32_768, 32_767),
        ("int8", -128, 127),
        ("uint32", 0, 4_294_967_295),
        ("int64", -(2**63), 2**63 - 1),
        ("float32", -1.9, 0.3),
        ("float64", 0.1, 300.5),
        ("float16", 0.25, 0.75),
    ],
)
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "nearest"])
def test_values_of_other_types_are_kept(dtype, low, high, interpolation):
    image = np.repeat(np.array([low, low, high, high], dtype)[np.newaxis, np.newaxis, :, np.newaxis], 4, axis=1)
    resized = ImageResizer(8, 8, interpolation, False)(image)
    assert resized.dtype == dtype
    middle = resized[0, 0, :, 0].astype(float)
    overshoot = 0.11 * (high - low) if interpolation == "bicubic" else 0
    assert middle.min() == pytest.approx(low, rel=1e-3, abs=overshoot)
    assert middle.max() == pytest.approx(high, rel=1e-3, abs=overshoot)
    assert (np.diff(middle[2:6]) >= 0).all()
