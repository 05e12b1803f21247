"""Show a network whole populations of a one-pixel attack at once, or one candidate at a time, and compare the speed.

python benchmarks/one_pixel.py RUN [IMAGES [POPULATION [GENERATIONS]]]    (3 images, 400 candidates, 2 generations)

Both find the same pixels, since the draws are the same. The two ways take turns, image by image; the ratio is that of
the medians.
"""

import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

from dlkit.machine.tensorflow import start_tensorflow

start_tensorflow()

from dlkit.evaluation.evaluate import read_split
from dlkit.experiments.attack import scores
from dlkit.experiments.pixel_attack import Search, attack
from dlkit.model.trained import open_run
from dlkit.runs.directory import RunDirectory


def main(run: str, images: int = 3, population: int = 400, generations: int = 2) -> None:
    """Print the seconds of both ways, and their ratio."""
    trained = open_run(RunDirectory(Path(run)))
    score, data = scores(trained), read_split(trained, "validation")
    search = Search(population=population, generations=generations)
    pictures = np.asarray(data.inputs[:images])
    truths = score(pictures).argmax(1)
    score(np.repeat(pictures[:1], population, 0))  # traces both shapes
    score(pictures[:1])
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for number, (image, truth) in enumerate(zip(pictures, truths, strict=True)):
        found = []
        for way in (True, False) if number % 2 == 0 else (False, True):
            begun = time.perf_counter()
            found.append(attack(image, int(truth), None, score, search, number, vectorized=way)[0])
            seconds[way].append(time.perf_counter() - begun)
        assert np.array_equal(*found)
    at_once, singly = median(seconds[True]), median(seconds[False])
    print(
        f"whole populations {at_once:.3f} s, one at a time {singly:.3f} s an image: {singly / at_once:.1f} times faster"
    )


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
