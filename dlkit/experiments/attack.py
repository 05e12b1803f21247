"""Attack a trained classifier: change images until their class changes, and measure how often that succeeds.

Every image is recorded as soon as it is done, with its picture before and after, so an interrupted attack continues.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from dlkit.data.splits import resized_spec
from dlkit.errors import InputError
from dlkit.experiments import gradient_attack, pixel_attack
from dlkit.figures.attack import attack_figure
from dlkit.figures.images import displayed, is_image
from dlkit.files.atomic import write_file
from dlkit.files.cache import digest
from dlkit.interfaces.data import Split
from dlkit.model.digest import weights_digest
from dlkit.model.splits import read_unchanged
from dlkit.model.trained import TrainedModel
from dlkit.runs.directory import RunDirectory
from dlkit.runs.figures import file_name, write_figures

RESULTS = "attack.json"
METHODS = ("pixels", "fgsm", "pgd")
BATCH = 512
MOST_LISTED = 16
"""Up to this number, changed pixels are listed one by one."""


@dataclass(frozen=True)
class Attack:
    """What to do with how many images of a split.

    targets: 0 for an untargeted attack, else how many other classes to aim at for every image. epsilon: the most that
    FGSM and PGD change a value, in levels of 255; steps: those of PGD.
    """

    method: str = "pixels"
    images: int = 100
    targets: int = 0
    split: str = "validation"
    seed: int = 0
    search: pixel_attack.Search = field(default_factory=pixel_attack.Search)
    epsilon: float = 8.0
    steps: int = 10

    def folder(self, checkpoint: str, weights: str) -> str:
        """Return the name of the attack's folder in the run; other settings, and other weights, have another one."""
        how = f"pixels-{self.search.pixels}" if self.method == "pixels" else f"{self.method}-{self.epsilon:g}"
        aim = "targeted" if self.targets else "untargeted"
        return f"{how}-{aim}-{digest([self.settings(), checkpoint, weights])[:8]}"

    def settings(self) -> dict[str, Any]:
        """Return the settings that the method reads, as JSON data."""
        plain = asdict(self)
        search = plain.pop("search")
        left_out = ("epsilon", "steps") if self.method == "pixels" else ("steps",) if self.method == "fgsm" else ()
        kept = {key: value for key, value in plain.items() if key not in left_out}
        return kept | (search if self.method == "pixels" else {})


@dataclass(frozen=True)
class Victim:
    """One image that the network recognizes: its number in the split, its pixels, its class, the class to aim at."""

    number: int
    image: np.ndarray
    truth: int
    target: int | None


def run_attack(trained: TrainedModel, attack: Attack, done: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Attack images of a run's split, or continue; write results and pictures into the run, and return the results.

    done: receives every attempt. Raises InputError for a run that does not classify images of uint8.
    """
    weights = weights_digest(trained.built.network.variables)
    folder = RunDirectory(trained.run.path / "attacks" / attack.folder(trained.checkpoint, weights))
    data = _images(trained, attack.split)
    score = scores(trained)
    victims = list(_victims(trained, attack, data, score))
    if not victims:
        raise InputError(f"{trained.run.path} recognizes no image of {attack.split}", "train it first")
    content: dict[str, Any] = {"checkpoint": trained.checkpoint, "settings": attack.settings()}
    content |= folder.read_json(RESULTS) or {"attempts": []}
    attempts = content["attempts"]
    for victim, after, seen in _attacked(trained, attack, victims[len(attempts) :], score):
        attempts.append(_attempt(trained.built.class_names, victim, after, seen, score))
        _save_pictures(folder.path, attempts[-1], victim, after)
        content |= summary(attempts, trained.built.class_names)
        folder.write_json(RESULTS, content)
        done(attempts[-1])
    return {"run": str(trained.run.path), "file": str(folder.path / RESULTS)} | content


def scores(trained: TrainedModel) -> pixel_attack.Score:
    """Return a function from raw images (n, ...) to class probabilities (n, classes), computed in batches."""
    built = trained.built
    if built.scores is None or not built.task.stratified:
        raise InputError(f"{trained.run.path} does not classify", "choose a run with task: classification")
    spec = resized_spec(trained.loaded.recipe.data, built.description)
    graph = tf.function(lambda images: built.predict(images)[built.scores], autograph=False)
    # With weights as constants, TensorFlow merges batch normalization and activations into the convolutions.
    frozen = convert_variables_to_constants_v2(
        graph.get_concrete_function(tf.TensorSpec([None, *spec.shape], spec.dtype))
    )

    def score(images: np.ndarray) -> np.ndarray:
        parts = [frozen(tf.constant(images[at : at + BATCH]))[0].numpy() for at in range(0, len(images), BATCH)]
        return np.concatenate(parts)

    return score


def _victims(trained: TrainedModel, attack: Attack, data: Split, score: pixel_attack.Score) -> Iterator[Victim]:
    """Yield images of the split in a drawn order that the network recognizes, once for every class to aim at."""
    draws = np.random.default_rng(attack.seed)
    order, left = draws.permutation(len(data)), attack.images
    classes = len(trained.built.class_names)
    for start in range(0, len(order), BATCH):
        numbers = order[start : start + BATCH]
        images, truths = np.asarray(data.inputs[numbers]), np.asarray(data.targets[numbers])
        right = score(images).argmax(1) == truths
        for number, image, truth in zip(numbers[right], images[right], truths[right], strict=True):
            if left == 0:
                return
            left -= 1
            others = draws.permutation([label for label in range(classes) if label != truth])
            for target in others[: attack.targets].tolist() if attack.targets else [None]:
                yield Victim(int(number), image, int(truth), target)


def _images(trained: TrainedModel, split: str) -> Split:
    """Read a split of the run; raise InputError unless its examples are images of uint8."""
    if split == "validation" and trained.loaded.recipe.data.validation == "none":
        raise InputError(f"{trained.run.path} held no examples out", "attack those of train: --split train")
    data = read_unchanged(trained, split)
    if data.inputs.dtype != np.uint8 or not is_image(tuple(data.inputs.shape[1:])):
        shape = list(data.inputs.shape[1:])
        texts = "rows of a table" if shape else "texts"
        given = texts if data.inputs.dtype.kind in "SUO" else f"{data.inputs.dtype} of shape {shape}"
        raise InputError(
            f"an attack changes the pixels of images of uint8, but the examples are {given}", "choose a run on pictures"
        )
    return data


def _attacked(
    trained: TrainedModel, attack: Attack, victims: Sequence[Victim], score: pixel_attack.Score
) -> Iterator[tuple[Victim, np.ndarray, int]]:
    """Yield every victim with its changed image and the number of images that the network has seen for it."""
    if attack.method == "pixels":
        for victim in victims:
            seed = np.random.SeedSequence([attack.seed, victim.number, victim.target or 0]).generate_state(1)[0]
            yield (
                victim,
                *pixel_attack.attack(victim.image, victim.truth, victim.target, score, attack.search, int(seed)),
            )
        return
    steps = attack.steps if attack.method == "pgd" else 1
    for start in range(0, len(victims), BATCH):
        batch = victims[start : start + BATCH]
        images = np.stack([victim.image for victim in batch])
        classes = np.array([victim.truth if victim.target is None else victim.target for victim in batch])
        targeted = bool(attack.targets)
        found = gradient_attack.attack(trained.built, images, classes, targeted, attack.epsilon, steps, attack.seed)
        yield from ((victim, after, steps) for victim, after in zip(batch, found, strict=True))


def _attempt(
    names: tuple[str, ...], victim: Victim, after: np.ndarray, seen: int, score: pixel_attack.Score
) -> dict[str, Any]:
    """Return the JSON form of one attempt, measured on the pixels that are saved."""
    before, now = score(np.stack([victim.image, after]))
    predicted = int(now.argmax())
    success = predicted != victim.truth if victim.target is None else predicted == victim.target
    places = np.argwhere((victim.image != after).any(-1))
    found: dict[str, Any] = {"example": victim.number, "class": names[victim.truth]}
    found |= {"confidence": float(before[victim.truth])}
    found |= {"target": None if victim.target is None else names[victim.target]}
    found |= {"predicted": names[predicted], "new_confidence": float(now[predicted]), "success": bool(success)}
    found |= {"pixels_changed": len(places), "images_seen": seen}
    if len(places) <= MOST_LISTED:
        found["pixels"] = [
            {"row": int(row), "column": int(column), "value": after[row, column].tolist()} for row, column in places
        ]
    return found


def _save_pictures(folder: Path, attempt: dict[str, Any], victim: Victim, after: np.ndarray) -> None:
    """Write both images as PNG files, whose pixels are exact, and note their names."""
    target = "" if victim.target is None else f"_to_{victim.target}_{file_name(attempt['target'])}"
    for key, image in (("original", victim.image), ("attacked", after)):
        attempt[key] = f"{attempt['example']}{target}_{key}.png"
        picture = Image.fromarray(displayed(image))
        write_file(folder / attempt[key], lambda aside, picture=picture: picture.save(aside))  # type: ignore[misc]


def summary(attempts: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """Return the success rate with its 95 % interval, and attempts and successes by class.

    Attempts on one image are not independent: the interval is that of so many images, not attempts.
    """
    successes = [attempt for attempt in attempts if attempt["success"]]
    rate, images = len(successes) / len(attempts), len({attempt["example"] for attempt in attempts})
    by_class = [
        {
            "class": name,
            "attempts": sum(attempt["class"] == name for attempt in attempts),
            "successes": sum(attempt["class"] == name for attempt in successes),
        }
        for name in names
    ]
    return {
        "successes": len(successes),
        "rate": rate,
        "interval": interval(rate, images),
        "mean_new_confidence": float(np.mean([a["new_confidence"] for a in successes])) if successes else None,
        "classes": [row for row in by_class if row["attempts"]],
    }


def interval(rate: float, count: int) -> list[float]:
    """Return the ends of the 95 % confidence interval of a rate among a number of independent trials (Wilson, 1927)."""
    z = NormalDist().inv_cdf(0.975)
    middle, spread = rate + z**2 / (2 * count), z * sqrt(rate * (1 - rate) / count + (z / (2 * count)) ** 2)
    return [max(0.0, (middle - spread) / (1 + z**2 / count)), min(1.0, (middle + spread) / (1 + z**2 / count))]


def draw_attack(run: RunDirectory, result: Mapping[str, Any], note: Callable[[str], None]) -> None:
    """Draw the first attempts, successes before others, into the run's figures."""
    folder = Path(result["file"]).parent
    name = f"attack_{folder.name}"
    write_figures(run, {name: lambda: attack_figure(result, folder)}, str(result["settings"]["split"]), note)
