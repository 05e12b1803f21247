"""Dice and IoU of two discs that overlap more and more."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.dice import dice_figure
from dlkit.worked.examples.dice import work

SIDE, RADIUS = 60, 14
SHIFTS = (30, 20, 10, 0)


def plot() -> Mapping[str, Figure]:
    """Dice and IoU of two discs that overlap more and more."""
    truth = disc(SIDE // 2)
    panels = []
    for shift in SHIFTS:
        predicted = disc(SIDE // 2 + shift)
        worked = work(truth, predicted)
        panels.append((truth, predicted, worked.result("hard Dice"), worked.result("IoU")))
    return {"dice": dice_figure(panels)}


def disc(column: int) -> np.ndarray:
    """Return a mask (60, 90) of a disc in the middle row."""
    rows, columns = np.mgrid[0:SIDE, 0 : SIDE * 3 // 2]
    inside = (rows - SIDE // 2) ** 2 + (columns - column) ** 2 <= RADIUS**2
    return np.asarray(inside, float)
