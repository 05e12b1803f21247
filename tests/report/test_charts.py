"""Where charts draw what."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from dlkit.report.charts import HEIGHT, LEFT, RIGHT, WIDTH, line_chart, reliability_chart
from dlkit.report.pictures import picture


def points(path):
    return [tuple(map(float, pair)) for pair in re.findall(r"[ML]([\d.]+) ([\d.]+)", path)]


def test_the_axis_of_a_share_ends_at_one():
    ticks = line_chart("accuracy by epoch", {"train": ([0.45, 0.97], 0, False)}).y_ticks
    assert float(ticks[-1].label) <= 1
    assert float(line_chart("loss by epoch", {"train": ([0.45, 0.97], 0, False)}).y_ticks[-1].label) > 1


def test_a_series_goes_from_the_left_to_the_right_edge_at_the_heights_of_its_values():
    chart = line_chart("loss", {"train": ([4.0, 3.2, 0.0], 0, False)})
    heights = {tick.label: tick.at for tick in chart.y_ticks}
    assert points(chart.lines[0].path) == [(LEFT, heights["4"]), (346.0, heights["3.2"]), (WIDTH - RIGHT, heights["0"])]
    assert [tick.label for tick in chart.x_ticks] == ["0", "1", "2"]
    assert chart.rows == [["0", "4.0000"], ["1", "3.2000"], ["2", "0.0000"]]


def test_a_gap_is_left_where_a_value_is_not_finite():
    chart = line_chart("loss", {"train": ([1.0, np.nan, 3.0, 4.0], 0, False)})
    assert chart.lines[0].path.count("M") == 2
    assert [row[1] for row in chart.rows][1] == ""


@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0], [np.nan], []])
def test_a_chart_of_few_or_no_values_is_drawn(values):
    chart = line_chart("loss", {"train": (values, 0, False)})
    assert all(0 <= tick.at <= HEIGHT for tick in chart.y_ticks)


def test_long_series_have_a_table_of_some_of_their_values():
    assert len(line_chart("loss", {"train": (list(range(1000)), 0, False)}).rows) <= 60


def test_the_diagonal_of_calibration_goes_from_corner_to_corner():
    chart = reliability_chart([0.25, 0.75], [0.25, 0.75])
    (x0, y0), (x1, y1) = points(chart.diagonal)
    for x, y in points(chart.lines[0].path):
        assert (y - y0) / (x - x0) == pytest.approx((y1 - y0) / (x1 - x0), abs=0.01)


@pytest.mark.parametrize("shape", [(8, 8, 1), (8, 8, 3)])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "bool"])
def test_pictures_are_png(shape, dtype):
    assert picture(np.ones(shape, dtype)).startswith("data:image/png;base64,iVBORw0KGgo")
    assert picture(np.ones((5,), dtype)) is None


@pytest.mark.parametrize(("side", "shown"), [(8, 56), (28, 56), (100, 100), (600, 160)])
def test_pictures_are_enlarged_or_reduced_to_what_a_page_shows(side, shown):
    encoded = base64.b64decode(picture(np.zeros((side, side, 3), np.uint8)).partition(",")[2])
    assert Image.open(io.BytesIO(encoded)).size == (shown, shown)
