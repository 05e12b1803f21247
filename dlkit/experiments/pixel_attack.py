"""Change few pixels of an image by differential evolution until a classifier is wrong.

Su, Vargas and Sakurai (2017), "One pixel attack for fooling deep neural networks", arXiv 1710.08864. The network only
gives class probabilities; a candidate is (row, column, colour) of every changed pixel. The paper's settings: 400
candidates, at most 100 generations, mutation 0.5, no crossover, coordinates drawn uniformly and colours from N(128,
127); an untargeted attack ends when the true class has less than 5 %, a targeted one when the target has more than
90 %.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

POPULATION, GENERATIONS, MUTATION = 400, 100, 0.5
TRUE_BELOW, TARGET_ABOVE = 0.05, 0.9

Score = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Search:
    """How many pixels to change, how many candidates to keep, and for how many generations."""

    pixels: int = 1
    population: int = POPULATION
    generations: int = GENERATIONS


def changed(image: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Return the image (height, width, channels), uint8, with each candidate's pixels set.

    candidates: float (n, pixels * (2 + channels)), for every pixel its row, its column and its colour from 0 to 255.
    """
    height, width, channels = image.shape
    parts = candidates.reshape(len(candidates), -1, 2 + channels)
    rows = np.minimum(parts[..., 0].astype(int), height - 1)
    columns = np.minimum(parts[..., 1].astype(int), width - 1)
    images = np.repeat(image[None], len(candidates), 0)
    number = np.arange(len(candidates))
    for pixel in range(parts.shape[1]):  # in turn, so that of two with one place the later counts
        colours = np.clip(np.rint(parts[:, pixel, 2:]), 0, 255).astype(np.uint8)
        images[number, rows[:, pixel], columns[:, pixel]] = colours
    return images


def attack(
    image: np.ndarray,
    truth: int,
    target: int | None,
    score: Score,
    search: Search,
    seed: int,
    vectorized: bool = True,
) -> tuple[np.ndarray, int]:
    """Return the best changed image and the number of images that the network has seen.

    score: images (n, height, width, channels) -> class probabilities (n, classes). target: the class to reach, or None
    for any but the true one. vectorized: whether the network sees a whole population at once; only slower without.
    """
    from scipy.optimize import differential_evolution

    seen = 0

    def energy(candidates: np.ndarray) -> np.ndarray | float:
        nonlocal seen
        batch = np.atleast_2d(candidates.T)
        seen += len(batch)
        probabilities = score(changed(image, batch))
        found = probabilities[:, truth] if target is None else 1 - probabilities[:, target]
        return found if candidates.ndim > 1 else float(found[0])

    enough = TRUE_BELOW if target is None else 1 - TARGET_ABOVE
    draws = np.random.default_rng(seed)
    result = differential_evolution(
        energy,
        _bounds(image, search.pixels),
        init=_first_candidates(image, search, draws),
        strategy="rand1bin",
        mutation=MUTATION,
        recombination=1,
        maxiter=search.generations,
        tol=0,
        atol=-1,
        polish=False,
        rng=draws,
        updating="deferred",
        vectorized=vectorized,
        callback=lambda intermediate_result: bool(intermediate_result.fun < enough),
    )
    return changed(image, result.x[None])[0], seen


def _bounds(image: np.ndarray, pixels: int) -> list[tuple[float, float]]:
    height, width, channels = image.shape
    return [(0, height), (0, width), *[(0, 255)] * channels] * pixels


def _first_candidates(image: np.ndarray, search: Search, draws: np.random.Generator) -> np.ndarray:
    """Return the first population (population, values): uniform coordinates and normal colours."""
    height, width, channels = image.shape
    shape = (search.population, search.pixels)
    places = draws.uniform(0, (height, width), (*shape, 2))
    colours = np.clip(draws.normal(128, 127, (*shape, channels)), 0, 255)
    return np.concatenate([places, colours], -1).reshape(search.population, -1)
