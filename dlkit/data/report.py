"""Report on a recipe's data: examples, classes, duplicates within and across splits, and unusable examples."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlkit.catalog.create import create_at
from dlkit.components.datasets._unreadable import unreadable
from dlkit.data.near_duplicates import alike, difference_hashes, is_image, near_counts
from dlkit.data.notes import source_notes
from dlkit.data.recordings import recordings_report, recordings_warnings
from dlkit.data.source import build_dataset, describe
from dlkit.data.splits import UNLABELLED, load_splits, not_finite, resizer
from dlkit.data.words import words_report
from dlkit.errors import DlkitError, located
from dlkit.interfaces.data import Dataset, Split
from dlkit.interfaces.ragged import Ragged, Texts
from dlkit.process import set_conditions
from dlkit.recipe.schema import Recipe

MAX_IMBALANCE = 10
MAX_NEAR = 100_000
MAX_NEAR_SHARE = 0.1  # above this share, the images are so simple that different ones have similar hashes
SHOWN = 10


@dataclass(frozen=True)
class Copies:
    """The examples of all splits in sequence, each with a number that identical examples share, and its split.

    names: those of the splits; targets: None without a label; examples: what to call each example.
    """

    names: list[str]
    numbers: np.ndarray
    splits: np.ndarray
    targets: list[Any]
    examples: list[str]

    def groups(self) -> list[np.ndarray]:
        """Return the indices of every group of two or more identical examples, in the order of their first ones."""
        order = np.argsort(self.numbers, kind="stable")
        edges = np.flatnonzero(np.diff(self.numbers[order])) + 1
        return sorted((group for group in np.split(order, edges) if len(group) > 1), key=lambda group: int(group[0]))

    def first(self, groups: list[np.ndarray]) -> list[list[str]]:
        """Return the names of the examples in the first groups."""
        return [[self.examples[index] for index in group] for group in groups[:SHOWN]]


def report(recipe: Recipe) -> dict[str, Any]:
    """Return the documented JSON form; unreadable images are listed, other errors of the dataset are raised."""
    dataset = build_dataset(recipe)
    bad = unreadable_files(dataset)
    if bad:
        set_conditions(skip_bad=len(bad))
        dataset = build_dataset(recipe)
    splits = all_splits(recipe, dataset)
    description = describe(recipe, dataset)
    names = description.class_names
    copies = copies_of(splits)
    content = {
        "recipe": recipe.name,
        "splits": {name: _described(split, () if name == UNLABELLED else names) for name, split in splits.items()},
        "exact_duplicates": exact_duplicates(copies),
        "conflicting_labels": conflicts(copies),
        "near_duplicates": _near(splits, copies),
        "not_finite": _not_finite(splits),
        "unreadable": [{"file": path, "reason": reason} for path, reason in bad.items()],
    }
    words = words_report(recipe.data, description, splits)
    content |= {"words": words} if words else {}
    heard = recordings_report(dataset, splits)
    content |= {"recordings": heard} if heard else {}
    sounds = recordings_warnings(heard, getattr(dataset, "sampling_rate", None))
    return content | {"warnings": [*source_notes(dataset), *warnings(content), *sounds]}


def unreadable_files(dataset: Dataset) -> dict[str, str]:
    """Return the unreadable images of a folder, each with the reason; empty for other kinds of data."""
    if hasattr(dataset, "problems"):
        return {str(path): reason for path, reason in dataset.problems.items()}
    files = getattr(dataset, "image_files", [])
    found = unreadable(files, getattr(dataset, "channels", 3)) if files else {}
    return {str(path): reason for path, reason in found.items()}


def all_splits(recipe: Recipe, dataset: Dataset) -> dict[str, Split]:
    """Return the splits as used in training, and all others of the source."""
    try:
        parts = load_splits(recipe.data, dataset, create_at(recipe.task).stratified)
        found = parts.named()
        others = [name for name in dataset.describe().splits if name not in found]
        return found | {name: dataset.load(name, resizer(recipe.data)) for name in others}
    except DlkitError as error:
        raise located(error, recipe.data.source.location) from error


def _described(split: Split, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the number of examples, those of each class, and how many steps sequences have."""
    found = {"examples": len(split), **_classes(split, names)}
    if not isinstance(split.inputs, Ragged) or isinstance(split.inputs, Texts):
        return found
    lengths = split.inputs.lengths
    spread = {"shortest": int(lengths.min()), "median": float(np.median(lengths)), "longest": int(lengths.max())}
    return found | {"steps": spread}


def _classes(split: Split, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the examples per class, and the size ratio of largest to smallest class (None if a class is empty)."""
    if not names or split.targets.ndim != 1:
        return {}
    counts = np.bincount(split.targets, minlength=len(names))
    imbalance = round(float(counts.max() / counts.min()), 3) if counts.min() else None
    return {"classes": dict(zip(names, map(int, counts), strict=True)), "imbalance": imbalance}


def copies_of(splits: dict[str, Split]) -> Copies:
    """Return all examples of splits, with a number that identical inputs share."""
    digests = [hashlib.sha256(x.tobytes()).digest() for split in splits.values() for x in split.inputs]
    numbers = np.unique(np.array(digests, "V32"), return_inverse=True)[1].astype(np.int64)
    sizes = [len(split) for split in splits.values()]
    labels = [[None] * len(split) if name == UNLABELLED else split.targets for name, split in splits.items()]
    targets = [None if target is None else target.tobytes() for own in labels for target in own]
    examples = [split.name(index, name) for name, split in splits.items() for index in range(len(split))]
    return Copies(list(splits), numbers, np.repeat(np.arange(len(sizes)), sizes), targets, examples)


def exact_duplicates(copies: Copies) -> dict[str, Any]:
    """Count the examples that repeat an earlier one of their split, and those that another split also contains."""
    have = [set(copies.numbers[copies.splits == index].tolist()) for index in range(len(copies.names))]
    within, across = {}, {}
    for index, name in enumerate(copies.names):
        own = copies.numbers[copies.splits == index]
        within[name] = len(own) - len(have[index])
        for earlier in range(index):
            count = int(np.isin(own, list(have[earlier])).sum())
            across[f"{name} in {copies.names[earlier]}"] = count
    return {"within": within, "across": across, "first": copies.first(copies.groups())}


def conflicts(copies: Copies) -> dict[str, Any]:
    """Return the number and the first groups of identical examples with different targets."""
    groups = [group for group in copies.groups() if len({copies.targets[index] for index in group} - {None}) > 1]
    return {"groups": len(groups), "first": copies.first(groups)}


def _not_finite(splits: dict[str, Split]) -> dict[str, Any]:
    """Return the number and the first positions of examples whose inputs or targets contain NaN or infinity."""
    found = [
        split.name(index, name)
        for name, split in splits.items()
        for index in sorted({*not_finite(split.inputs), *not_finite(split.targets)})
    ]
    return {"examples": len(found), "first": found[:SHOWN]}


def _near(splits: dict[str, Split], copies: Copies) -> dict[str, Any] | None:
    """Return counts of similar images among at most MAX_NEAR evenly spaced examples; None if they are not images."""
    if not all(is_image(split.inputs) for split in splits.values()):
        return None
    hashes = np.concatenate([difference_hashes(split.inputs) for split in splits.values()])
    chosen = np.arange(len(hashes))
    if len(chosen) > MAX_NEAR:
        chosen = np.linspace(0, len(hashes) - 1, MAX_NEAR).astype(np.int64)
    similar = alike(hashes[chosen], copies.numbers[chosen], copies.splits[chosen])
    counts = near_counts(copies.names, similar, copies.splits[chosen])
    share = sum(counts["within"].values()) / max(1, len(chosen))
    first = [copies.examples[index] for index in chosen[similar.any(axis=1)][:SHOWN]]
    found = {"compared": len(chosen), "examples": len(hashes), "selective": share <= MAX_NEAR_SHARE}
    return found | counts | {"first": first}


def warnings(content: dict[str, Any]) -> list[str]:
    """Return the findings of a report that should be checked before training."""
    found = []
    for name, split in content["splits"].items():
        classes = split.get("classes", {})
        empty = [label for label, count in classes.items() if count == 0]
        if empty:
            found.append(f"{name} has no examples of {', '.join(empty)}")
        elif classes and split["imbalance"] > MAX_IMBALANCE:
            found.append(f"the largest class of {name} is {split['imbalance']:g} times as large as the smallest")
    across = content["exact_duplicates"]["across"]
    found += [f"{count} examples of {pair.replace(' in ', ' are also in ')}" for pair, count in across.items() if count]
    if content["conflicting_labels"]["groups"]:
        found.append(f"{content['conflicting_labels']['groups']} groups of identical examples have different targets")
    if content["not_finite"]["examples"]:
        found.append(f"{content['not_finite']['examples']} examples contain NaN or infinity")
    if content["unreadable"]:
        found.append(f"{len(content['unreadable'])} files are unreadable")
    return found
