"""Load the examples that a recipe trains on and holds out, resized; all random choices use the recipe's seeds."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec, Dataset, Description, Rows, Split, seeded_split, spec_dtype
from dlkit.interfaces.ragged import Ragged
from dlkit.media.images import ImageResizer
from dlkit.recipe.few_labels import Labelled
from dlkit.recipe.schema import Data, Validation

LABELLED = "data.labelled"
LIMIT_SEED = 0
NO_LABEL = -1
"""The target of every unlabelled example."""
UNLABELLED = "unlabelled"
"""The name of the part of train whose labels data.labelled takes away."""
_ROWS = 1024


@dataclass(frozen=True)
class Splits:
    """The examples that training may use: train, and validation if the recipe holds examples out.

    unlabelled: the examples of train whose labels data.labelled takes away; their targets are all NO_LABEL.
    """

    train: Split
    validation: Split | None
    unlabelled: Split | None = None

    def named(self) -> dict[str, Split]:
        """Return the existing splits by name."""
        parts = {"train": self.train, "validation": self.validation, UNLABELLED: self.unlabelled}
        return {name: split for name, split in parts.items() if split is not None}


def resizer(data: Data) -> ImageResizer | None:
    """Return the recipe's data.resize as a function on images, or None."""
    return ImageResizer(**data.resize.model_dump()) if data.resize else None


def resized_spec(data: Data, description: Description) -> ArraySpec:
    """Return shape and dtype of one example after data.resize; raise InputError when the data cannot be resized."""
    spec = description.inputs
    for key in ("resize", "patch"):
        if getattr(data, key) is not None and len(spec.shape) != 3:
            raise InputError(
                f"only images can be resized or cropped, but the examples have the shape {list(spec.shape)}",
                "remove this key",
                key=f"data.{key}",
            )
    if data.resize is not None and spec.dtype == "bool":
        raise InputError(
            "booleans cannot be resized", "save the images as numbers: 255 * x.astype('uint8')", key="data.resize"
        )
    if data.patch is not None:
        return ArraySpec((None, None, spec.shape[-1]), spec.dtype)
    if data.resize is None:
        return spec
    return ArraySpec((data.resize.height, data.resize.width, spec.shape[-1]), spec.dtype)


def load_splits(data: Data, dataset: Dataset, stratified: bool) -> Splits:
    """Load train, sample data.limit examples of it, hold out validation, and take labels away as the recipe says."""
    splits = _with_validation(data, dataset, stratified)
    check_labelled(data, stratified)
    return splits if data.labelled is None else _with_few_labels(splits, data.labelled, _names(dataset))


def check_labelled(data: Data, stratified: bool) -> None:
    """Raise InputError when a recipe takes labels away from examples that have no class each."""
    if data.labelled is not None and not stratified:
        raise InputError("only a task with one class per example can do without labels", "remove it", key=LABELLED)


def _with_few_labels(splits: Splits, labelled: Labelled, names: tuple[str, ...]) -> Splits:
    """Return splits whose train has as many examples of every class; the others become the unlabelled part."""
    train, targets = splits.train, np.asarray(splits.train.targets)
    draws = np.random.default_rng(labelled.seed)
    groups = [draws.permutation(np.flatnonzero(targets == label)) for label in range(len(names))]
    fewest = min(range(len(names)), key=lambda label: len(groups[label]))
    if len(groups[fewest]) < labelled.per_class:
        raise InputError(
            f"train has {len(groups[fewest])} examples of class {names[fewest]!r}, fewer than {labelled.per_class}",
            f"set per_class to at most {len(groups[fewest])}" if len(groups[fewest]) else "add examples of this class",
            key=f"{LABELLED}.per_class",
        )
    chosen = np.concatenate([group[: labelled.per_class] for group in groups])
    rest = train.select(np.setdiff1d(np.arange(len(train)), chosen))
    unlabelled = replace(rest, targets=np.full(len(rest), NO_LABEL, np.int64))
    return Splits(train.select(chosen), splits.validation, unlabelled)


def _with_validation(data: Data, dataset: Dataset, stratified: bool) -> Splits:
    """Return train, limited to data.limit, and validation."""
    train = dataset.load("train", resizer(data))
    _check_patch(data, train)
    if data.limit is not None and data.limit < len(train):
        _, sample = seeded_split(train.targets, data.limit / len(train), LIMIT_SEED, stratified, _names(dataset))
        train = train.select(sample)
    if not isinstance(data.validation, Validation):
        return Splits(train, None)
    if data.validation.split is not None and _has(dataset, data.validation):
        return Splits(train, dataset.load(data.validation.split, resizer(data)))
    kept, held = _held_out(train, data.validation, stratified, _names(dataset))
    return Splits(train.select(kept), train.select(held))


def _has(dataset: Dataset, validation: Validation) -> bool:
    """Return whether to read validation's split: it is there, or nothing else is given."""
    return validation.fraction is None or validation.split in dataset.describe().splits


def check_fits(split: Split, name: str, spec: ArraySpec) -> None:
    """Raise InputError when the inputs of a split, resized, are not such as the network takes."""
    shape, dtype = tuple(split.inputs.shape[1:]), spec_dtype(split.inputs)
    if not spec.fits(shape) or dtype != spec.dtype:
        wanted = [size if size is not None else "any" for size in spec.shape]
        raise InputError(
            f"the inputs of {name} are {dtype} of shape {list(shape)}, but the network takes {spec.dtype} of {wanted}",
            "prepare all splits in the same way, or give all images one size with data.resize",
        )


def check_finite(split: Split, name: str) -> None:
    """Raise InputError at the first example that contains NaN or infinity.

    Metrics do not reveal this: relu may turn NaN into 0, and the network then predicts as if the data were valid.
    """
    for part in ("inputs", "targets"):
        for index in not_finite(getattr(split, part)):
            raise InputError(
                f"the {part} of {split.name(index, name)} contain NaN or infinity",
                "clean the data; `dlkit data` lists all such examples",
            )


def not_finite(array: "np.ndarray | Rows | Ragged") -> Iterator[int]:
    """Yield the indices of rows of an array (n, ...) that contain NaN or infinity, reading it in parts."""
    if array.dtype.kind not in "fc":
        return
    for start in range(0, len(array), _ROWS):
        part = slice(start, start + _ROWS)
        if isinstance(array, Ragged):
            bad = np.repeat(np.arange(len(array))[part], array.lengths[part])[~_finite(array.flat(part))]
            yield from np.unique(bad).tolist()
        else:
            yield from (start + np.flatnonzero(~_finite(array[part]))).tolist()


def _finite(rows: np.ndarray) -> np.ndarray:
    """Return whether all values of each row are finite, bool (n,)."""
    finite: np.ndarray = np.isfinite(rows).all(axis=tuple(range(1, rows.ndim)))
    return finite


def _check_patch(data: Data, train: Split) -> None:
    """Raise InputError when the images are smaller than the crops for training."""
    if data.patch is None:
        return
    size, crop = train.inputs.shape[1:3], (data.patch.height, data.patch.width)
    if size[0] < crop[0] or size[1] < crop[1]:
        raise InputError(
            f"a crop of {crop[0]} x {crop[1]} pixels does not fit into images of {size[0]} x {size[1]}",
            "make the crop smaller, or enlarge the images with data.resize",
            key="data.patch",
        )


def _names(dataset: Dataset) -> tuple[str, ...]:
    return dataset.describe().class_names


def held_out_rows(train: Split, validation: Validation, stratified: bool, names: tuple[str, ...]) -> np.ndarray:
    """Return the sorted indices in train of the examples that validation holds out."""
    return np.sort(_held_out(train, validation, stratified, names)[1])


def _held_out(
    train: Split, validation: Validation, stratified: bool, names: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    if validation.fraction is not None:
        return seeded_split(train.targets, validation.fraction, validation.seed, stratified, names)
    from sklearn.model_selection import KFold, StratifiedKFold

    assert validation.of is not None  # the schema checks that fold and of go together
    _check_folds(train, validation.of, names if stratified else ())
    folds = (StratifiedKFold if stratified else KFold)(validation.of, shuffle=True, random_state=validation.seed)
    kept, held = list(folds.split(np.zeros(len(train)), train.targets))[validation.fold or 0]
    return kept, held


def _check_folds(train: Split, folds: int, names: tuple[str, ...]) -> None:
    """Raise InputError unless every fold gets an example, and one of each class in a stratified split."""
    if len(train) < folds:
        raise InputError(f"{len(train)} examples cannot be split into {folds} folds", f"use at most {len(train)} folds")
    counts = np.bincount(train.targets, minlength=len(names)) if names else np.array([])
    found = [(int(count), name) for count, name in zip(counts, names, strict=False) if count]
    if found and min(found)[0] < folds:
        count, name = min(found)
        raise InputError(
            f"{folds} folds need {folds} examples of every class, but class {name!r} has {count}",
            f"use at most {count} folds, or more examples" if count > 1 else "add examples, or use validation.fraction",
        )
