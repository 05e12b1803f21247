"""Images and their masks in two folders, paired by name."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from dlkit.components.datasets._masks import check_values, read_mask
from dlkit.components.datasets._pairs import Pair, Pairs, pairs_in
from dlkit.components.datasets._split_folders import split_folders, split_of, subfolders
from dlkit.components.datasets._unreadable import grouped
from dlkit.errors import InputError, MissingError
from dlkit.files.cache import cached_arrays, cached_json, new_array
from dlkit.interfaces.data import VOID, ArraySpec, DataPath, Description, Resizer, Split, check_split, seeded_split
from dlkit.process import SKIP_BAD, whole_number
from dlkit.safety.files import check_links, missing_folder


@dataclass(frozen=True, kw_only=True)
class ImageMaskFolder:
    """Images and masks paired by name: directory/images/1.png with directory/masks/1.png, or the same below train.

    `images` and `masks` name the two folders. Folders train, validation and test in `directory` are the splits, also
    under other usual names such as Training and val; without them a seeded fraction `test_fraction` is held out as
    test. The name of a mask is that of its image followed by `mask_suffix`. Masks are PNG, GIF or BMP files of class
    indices, grey or with a palette, with 255 for pixels that belong to no class. Alternatively, `values`
    lists the pixel value of each class, numbers such as [0, 255] or colours such as [[0, 0, 0], [255, 0, 0]] (one-hot
    masks of three classes are colours too), and `void` those of no class. Images and masks are turned upright as their
    EXIF orientation says. Without data.resize, all images must have the same size.
    """

    directory: DataPath
    class_names: Annotated[list[str], Field(min_length=2)]
    images: str = "images"
    masks: str = "masks"
    mask_suffix: str = ""
    channels: Literal[1, 3] = 3
    values: list[int | list[int]] | None = None
    void: list[int | list[int]] = field(default_factory=list)
    test_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.2
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    def __post_init__(self) -> None:
        if self.void and self.values is None:
            raise InputError("void is given without values", "also give values: one per class, in class order")
        check_values(self.values, self.void, len(self.class_names))

    @cached_property
    def _parts(self) -> dict[str, Pairs]:
        """All files of every split folder, or of the directory itself as train."""
        root = Path(self.directory)
        if not root.is_dir():
            raise missing_folder(
                root,
                f"create one with the folders {self.images} and {self.masks}, or give its path: "
                "--set data.source.image_mask_folder.directory=PATH",
            )
        folders = self._split_folders or {"train": root}
        parts = {
            name: pairs_in(path / self.images, path / self.masks, self.mask_suffix) for name, path in folders.items()
        }
        check_links(root, [path for part in parts.values() for path in part.files])
        return parts

    @cached_property
    def _split_folders(self) -> dict[str, Path]:
        """Return the folders of the splits, none if the directory itself has the images."""
        root = Path(self.directory)
        inside = [path for path in subfolders(root) if split_of(path.name) and (path / self.images).is_dir()]
        return split_folders(root, f"{self.images}/<image>") if inside else {}

    @cached_property
    def _pairs(self) -> dict[str, list[Pair]]:
        """All pairs of every split, including unreadable ones."""
        pairs = {name: part.found for name, part in self._parts.items()}
        if self._split_folders or self.test_fraction == 0 or not pairs["train"]:
            return pairs
        whole = pairs["train"]
        kept, held = seeded_split(np.zeros(len(whole)), self.test_fraction, self.seed, stratify=False)
        return {name: [whole[i] for i in part] for name, part in (("train", kept), ("test", held))}

    @cached_property
    def alone(self) -> dict[Path, str]:
        """Return the images without a mask and the masks without an image, each with what it lacks."""
        return {path: reason for part in self._parts.values() for path, reason in part.alone.items()}

    def _check_partners(self) -> None:
        """Raise InputError for files without a partner, unless some may be skipped."""
        if self.alone and not self._skips:
            suffixes = {part.suffix for part in self._parts.values()}
            suffix = suffixes.pop() if len(suffixes) == 1 else ""
            raise InputError(
                grouped(self.alone),
                f"give an image and its mask the same name apart from the ending, in {self.images} and {self.masks}"
                f"{f', or set mask_suffix: {suffix}' if suffix else ''}; or skip some with --skip-bad",
            )

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Return messages about files of other kinds, and about classes that no mask of train has."""
        unseen = [name for index, name in enumerate(self.class_names) if index not in self._seen]
        others = [text for part in self._parts.values() for text in part.notes]
        return (*others, *([f"no mask of train has a pixel of {', '.join(unseen)}"] if unseen else []))

    @cached_property
    def problems(self) -> dict[Path, str]:
        """Return the problems of bad files in all splits: unreadable or unfit ones, and those without a partner."""
        found = {Path(path): reason for path, (reason, _) in self._examined.items() if reason}
        return self.alone | found

    @cached_property
    def _seen(self) -> set[int]:
        """Return the labels in the masks of train."""
        masks = {str(mask) for _, mask in self._pairs["train"]}
        return {label for path, (_, labels) in self._examined.items() if path in masks for label in labels}

    @property
    def _mask_settings(self) -> Any:
        return [len(self.class_names), self.values, self.void]

    @cached_property
    def _examined(self) -> dict[str, tuple[str, list[int]]]:
        """Return the problem of every bad file and the labels in every good mask, cached by the state of the files."""
        pairs = [pair for part in self._pairs.values() for pair in part]
        key = {"files": _stamp(pairs), "masks": self._mask_settings, "channels": self.channels}
        key["directory"] = self.directory  # as it was given, because what is cached names the files by it

        def examine(pair: Pair) -> list[Any]:
            try:
                return [str(pair[1]), "", np.unique(self._read(pair)[1]).tolist()]
            except InputError as error:
                bad = pair[1] if str(pair[1]) in str(error) else pair[0]
                return [str(bad), f"{error}; {error.problems[0].hint}", []]

        def examine_all() -> list[list[Any]]:
            with ThreadPoolExecutor() as pool:
                return list(pool.map(examine, pairs))

        return {path: (reason, labels) for path, reason, labels in cached_json("mask_contents", key, examine_all)}

    def _check_seen(self) -> None:
        """Raise InputError if the masks of train have only one class, so that there is nothing to learn."""
        seen = sorted(self._seen - {VOID})
        if len(seen) > 1:
            return
        unseen = ", ".join(name for index, name in enumerate(self.class_names) if index not in seen)
        only = ", ".join(map(str, sorted(self._seen)))
        text = f"the masks of train in {self.directory} have no pixel of {unseen}"
        if self.values is not None:
            raise InputError(f"{text}; every value found is of one class or void", "check the source's values and void")
        hint = "class indices start at 0; for other values, set the source's values, one per class"
        if VOID in self._seen:
            listed_values = f"[{', '.join(map(str, [*seen, VOID]))}]"
            hint = f"255 means no class; did you mean values: {listed_values}, one per class in class order?"
        raise InputError(f"{text}; they have only {only}", hint)

    def _read(self, pair: Pair) -> tuple[np.ndarray, np.ndarray]:
        """Return an image uint8 (h, w, channels) and its class indices (h, w); raise InputError naming a bad file."""
        from dlkit.media.images import read_image

        image = read_image(pair[0], self.channels)
        mask = read_mask(pair[1], self.values, self.void, len(self.class_names))
        if image.shape[:2] != mask.shape:
            sizes = [f"{height} x {width}" for height, width in (mask.shape, image.shape[:2])]
            raise InputError(
                f"{pair[1]} has {sizes[0]} pixels, but its image {pair[0].name} has {sizes[1]}",
                "give the mask the size of its image, which is turned upright if it has an EXIF orientation",
            )
        return image, mask

    @cached_property
    def left_out(self) -> tuple[Path, ...]:
        """Return the bad files whose pairs are skipped; raise InputError if DLKIT_SKIP_BAD allows fewer."""
        if len(self.problems) > self._skips:
            raise InputError(
                grouped(self.problems),
                "fix or remove them (`dlkit data RECIPE` lists all), or skip some with --skip-bad",
            )
        return tuple(self.problems)

    @property
    def _skips(self) -> int:
        """Return how many bad files may be skipped."""
        return whole_number(SKIP_BAD) or 0

    def describe(self) -> Description:
        """Return the description: images without a fixed size, and masks of the same size as targets."""
        inputs, targets = ArraySpec((None, None, self.channels), "uint8"), ArraySpec((None, None), "uint8")
        names = tuple(self.class_names)
        if not Path(self.directory).is_dir():
            return Description(inputs, targets, names)
        self._check_partners()
        bad = set(self.left_out) if self._skips else set()
        counts = {split: sum(not bad & set(pair) for pair in pairs) for split, pairs in self._pairs.items()}
        return Description(inputs, targets, names, counts)

    def check_present(self) -> None:
        """Raise MissingError or InputError unless the folders of images and masks exist."""
        _ = self._pairs

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return images uint8 (n, h, w, channels) and class indices uint8 (n, h, w), decoded once and cached."""
        check_split(split, list(self._pairs))
        self._check_partners()
        bad = set(self.left_out)
        pairs = [pair for pair in self._pairs[split] if not bad & set(pair)]
        if not pairs:
            reasons = f":\n{grouped(self.problems)}" if self.problems else ""
            raise MissingError(f"split {split!r} of {self.directory} has no readable image-mask pair{reasons}")
        self._check_seen()
        key = [_stamp(pairs), self._mask_settings, self.channels, resize.key if resize else None]
        arrays = cached_arrays(key, lambda aside: self._decode(pairs, resize, aside))
        names = np.array([str(image) for image, _ in pairs])
        return Split(arrays["inputs"], arrays["targets"], names=names)

    def _decode(self, pairs: list[Pair], resize: Resizer | None, aside: Path) -> None:
        def decoded(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
            image, mask = self._read(pair)
            if resize is None:
                return image, mask
            return resize(image), resize.of_labels()(mask[..., np.newaxis])[..., 0]

        first = decoded(pairs[0])
        files = [
            new_array(aside / f"{name}.npy", np.uint8, (len(pairs), *array.shape))
            for name, array in zip(("inputs", "targets"), first, strict=True)
        ]

        def decode_one(index: int) -> None:
            arrays = decoded(pairs[index])
            if arrays[0].shape != first[0].shape:
                sizes = [" x ".join(map(str, array.shape[:2])) for array in (arrays[0], first[0])]
                raise InputError(
                    f"{pairs[index][0]} has {sizes[0]} pixels, but {pairs[0][0].name} has {sizes[1]}",
                    "give all images one size: add data.resize: {height: 256, width: 256}",
                )
            for file, array in zip(files, arrays, strict=True):
                file[index] = array

        with ThreadPoolExecutor() as pool:
            for _ in pool.map(decode_one, range(len(pairs))):
                pass
        for file in files:
            file.flush()


def _stamp(pairs: list[Pair]) -> list[list[Any]]:
    """Return path, size and modification time of every file, which identify its state in caches."""
    files = [path for pair in pairs for path in pair]
    return [[str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns] for path in files]
