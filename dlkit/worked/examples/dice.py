"""Deck 003: Dice, soft and hard, with the measures that stand beside it."""

import numpy as np

from dlkit.errors import InputError
from dlkit.worked.examples.cross_entropy import check_pair
from dlkit.worked.fixtures import P, T
from dlkit.worked.numbers import Matrix
from dlkit.worked.result import Grid, Value, Worked, image, shown


def work(t: Matrix = (T,), p: Matrix = (P,), threshold: float = 0.5) -> Worked:
    """Soft Dice loss of probabilities p for a mask t; hard Dice, IoU and pixel accuracy after thresholding."""
    truth, given = np.array(t, float), np.array(p, float)
    check_pair(truth, given)
    if not np.isin(truth, (0, 1)).all():
        raise InputError("t is not a mask of 0 and 1", "write 1 for a pixel of the class and 0 for any other")
    mask = (given > threshold).astype(float)
    both, either = float((truth * mask).sum()), float(np.maximum(truth, mask).sum())
    if not either or not (truth.sum() + given.sum()):
        raise InputError(
            "mask and prediction are both empty, so that Dice is 0/0", "give at least one pixel of the class"
        )
    overlap, squares = float((truth * given).sum()), float((truth**2).sum() + (given**2).sum())
    plain = float(truth.sum() + given.sum())
    sizes = float(truth.sum() + mask.sum())
    grids = (image("t", truth), image("p", given), Grid(f"p > {threshold:g}", mask.tolist(), is_image=True))
    return Worked(
        "Dice: twice the common part, divided by the sum of both",
        grids,
        (
            Value(
                "soft Dice loss",
                f"1 - 2*{shown(overlap)}/{shown(squares)} (squares below, as in the deck)",
                1 - 2 * overlap / squares,
            ),
            Value("Dice loss of Keras", f"1 - 2*{shown(overlap)}/{shown(plain)} (no squares)", 1 - 2 * overlap / plain),
            Value("hard Dice", f"2*{shown(both)}/{shown(sizes)}", 2 * both / sizes),
            Value("IoU", f"{shown(both)}/{shown(either)}", both / either),
            Value("Dice from IoU", "2 IoU/(1 + IoU)", 2 * both / either / (1 + both / either)),
            Value("pixel accuracy", f"{int((truth == mask).sum())}/{truth.size}", float((truth == mask).mean())),
        ),
    )
