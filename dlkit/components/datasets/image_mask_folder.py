"""Images and their masks in two folders, paired by name."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from dlkit.components.datasets._masks import SUFFIXES as MASK_SUFFIXES
from dlkit.components.datasets._masks import check_values, read_mask
from dlkit.components.datasets.image_folder import SPLIT_NAMES, SUFFIXES
from dlkit.errors import InputError, MissingError
from dlkit.files.cache import cached_arrays, cached_json
from dlkit.interfaces.data import ArraySpec, Description, Resizer, Split, check_split, seeded_split
from dlkit.process import SKIP_BAD, whole_number
from dlkit.safety.files import check_links

SHOWN = 10

Pair = tuple[Path, Path]


@dataclass(frozen=True, kw_only=True)
class ImageMaskFolder:
    """Images and masks paired by name: directory/images/1.png with directory/masks/1.png, or the same below train.

    `images` and `masks` name the two folders. With folders train, validation and test in `directory` these are the
    splits; otherwise a seeded part of `test_fraction` is held out as test. A mask's name is its image's with
    `mask_suffix` after it. Masks are PNG, GIF or BMP of class indices, grey or with a palette, 255 for pixels that
    belong to no class; `values` gives what stands for each class instead, numbers such as [0, 255] or colours such as
    [[0, 0, 0], [255, 0, 0]] (which one-hot masks of three classes are too), and `void` what belongs to none. Without
    data.resize all images must be of one size.
    """

    directory: str
    class_names: Annotated[list[str], Field(min_length=2)]
    images: str = "images"
    masks: str = "masks"
    mask_suffix: str = ""
    channels: Literal[1, 3] = 3
    values: list[int | list[int]] | None = None
    void: list[int | list[int]] = field(default_factory=list)
    test_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.2
    seed: Annotated[int, Field(ge=0)] = 0

    def __post_init__(self) -> None:
        if self.void and self.values is None:
            raise InputError("void is given without values", "give values too: one for each class, in their order")
        check_values(self.values, self.void, len(self.class_names))

    @cached_property
    def _pairs(self) -> dict[str, list[Pair]]:
        """All pairs of every split, good or bad."""
        root = Path(self.directory)
        if not root.is_dir():
            raise MissingError(
                f"no such folder: {root}",
                f"make one with the folders {self.images} and {self.masks}, or give its path: "
                "--set data.source.image_mask_folder.directory=PATH",
            )
        folders = {SPLIT_NAMES[path.name]: path for path in sorted(root.iterdir()) if path.name in SPLIT_NAMES}
        folders = {name: path for name, path in folders.items() if (path / self.images).is_dir()}
        if folders:
            if "train" not in folders:
                raise MissingError(f"{root} has {', '.join(folders)} but no folder train", "add train/images/<image>")
            return {name: self._paired(path) for name, path in folders.items()}
        pairs = self._paired(root)
        if self.test_fraction == 0:
            return {"train": pairs}
        kept, held = seeded_split(np.zeros(len(pairs)), self.test_fraction, self.seed, stratify=False)
        return {name: [pairs[i] for i in part] for name, part in (("train", kept), ("test", held))}

    def _paired(self, folder: Path) -> list[Pair]:
        images = self._named(folder / self.images, SUFFIXES, "")
        masks = self._named(folder / self.masks, MASK_SUFFIXES, self.mask_suffix)
        alone = [f"{path} has no mask" for name, path in images.items() if name not in masks]
        alone += [f"{path} has no image" for name, path in masks.items() if name not in images]
        if alone:
            more = f" and {len(alone) - SHOWN} more" if len(alone) > SHOWN else ""
            raise InputError(
                f"{'; '.join(alone[:SHOWN])}{more}",
                f"an image and its mask have the same name but for the ending, below {self.images} and {self.masks}",
            )
        return [(path, masks[name]) for name, path in images.items()]

    def _named(self, folder: Path, suffixes: set[str], ending: str) -> dict[str, Path]:
        """Files below a folder by their relative name without ending."""
        if not folder.is_dir():
            raise MissingError(f"no such folder: {folder}", "name the two folders by the settings images and masks")
        named: dict[str, Path] = {}
        for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes):
            name = str(path.relative_to(folder).with_suffix("")).removesuffix(ending)
            if name in named:
                raise InputError(f"{named[name]} and {path} have the same name", "rename or remove one")
            named[name] = path
        if not named:
            raise MissingError(f"no images in {folder}", f"files with {', '.join(sorted(suffixes))} are read")
        check_links(Path(self.directory), list(named.values()))
        return named

    @cached_property
    def problems(self) -> dict[Path, str]:
        """What is wrong with files of all splits, looked up once for each state of the files."""
        pairs = [pair for part in self._pairs.values() for pair in part]
        key = {"files": _stamp(pairs), "masks": self._mask_settings, "channels": self.channels}
        found: list[list[str]] = cached_json("mask_problems", key, lambda: list(self._examined(pairs)))
        return {Path(path): reason for path, reason in found}

    @property
    def _mask_settings(self) -> Any:
        return [len(self.class_names), self.values, self.void]

    def _examined(self, pairs: list[Pair]) -> Iterator[list[str]]:
        def problem(pair: Pair) -> list[str] | None:
            try:
                self._read(pair)
            except InputError as error:
                bad = pair[1] if str(pair[1]) in str(error) else pair[0]
                return [str(bad), f"{error}; {error.problems[0].hint}"]
            return None

        with ThreadPoolExecutor() as pool:
            yield from (found for found in pool.map(problem, pairs) if found)

    def _read(self, pair: Pair) -> tuple[np.ndarray, np.ndarray]:
        """An image uint8 (h, w, channels) and its mask of class indices (h, w); InputError that names the file."""
        from dlkit.media.images import read_image

        image = read_image(pair[0], self.channels)
        mask = read_mask(pair[1], self.values, self.void, len(self.class_names))
        if image.shape[:2] != mask.shape:
            sizes = [f"{height} x {width}" for height, width in (mask.shape, image.shape[:2])]
            raise InputError(
                f"{pair[1]} has {sizes[0]} pixels, its image {pair[0].name} has {sizes[1]}",
                "give the mask its image's size",
            )
        return image, mask

    @cached_property
    def left_out(self) -> tuple[Path, ...]:
        """Bad images or masks whose pairs are left out, as DLKIT_SKIP_BAD allows; InputError beyond it."""
        if len(self.problems) > self._skips:
            reasons = list(self.problems.values())
            more = f"\nand {len(reasons) - SHOWN} more" if len(reasons) > SHOWN else ""
            raise InputError(
                "\n".join(reasons[:SHOWN]) + more,
                "mend or remove them (`dlkit data RECIPE` names all), or leave out some with --skip-bad",
            )
        return tuple(self.problems)

    @property
    def _skips(self) -> int:
        """How many bad files may be left out."""
        return whole_number(SKIP_BAD) or 0

    def describe(self) -> Description:
        """Images of any size until data.resize; targets are masks of the same size."""
        inputs, targets = ArraySpec((None, None, self.channels), "uint8"), ArraySpec((None, None), "uint8")
        names = tuple(self.class_names)
        if not Path(self.directory).is_dir():
            return Description(inputs, targets, names)
        bad = set(self.left_out) if self._skips else set()
        counts = {split: sum(not bad & set(pair) for pair in pairs) for split, pairs in self._pairs.items()}
        return Description(inputs, targets, names, counts)

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Images uint8 (n, h, w, channels) and class indices uint8 (n, h, w), decoded once into the cache."""
        check_split(split, list(self._pairs))
        bad = set(self.left_out)
        pairs = [pair for pair in self._pairs[split] if not bad & set(pair)]
        if not pairs:
            raise MissingError(f"split {split!r} of {self.directory} has no readable pair of image and mask")
        key = [_stamp(pairs), self._mask_settings, self.channels, resize.key if resize else None]
        arrays = cached_arrays(key, lambda aside: self._decode(pairs, resize, aside))
        return Split(arrays["inputs"], arrays["targets"])

    def _decode(self, pairs: list[Pair], resize: Resizer | None, aside: Path) -> None:
        def decoded(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
            image, mask = self._read(pair)
            if resize is None:
                return image, mask
            return resize(image), resize.of_labels()(mask[..., np.newaxis])[..., 0]

        first = decoded(pairs[0])
        files = [
            np.lib.format.open_memmap(aside / f"{name}.npy", "w+", np.uint8, (len(pairs), *array.shape))
            for name, array in zip(("inputs", "targets"), first, strict=True)
        ]

        def decode_one(index: int) -> None:
            arrays = decoded(pairs[index])
            if arrays[0].shape != first[0].shape:
                sizes = [" x ".join(map(str, array.shape[:2])) for array in (arrays[0], first[0])]
                raise InputError(
                    f"{pairs[index][0]} has {sizes[0]} pixels, {pairs[0][0].name} has {sizes[1]}",
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
    """Every file's path, size and time: what caches know them by."""
    files = [path for pair in pairs for path in pair]
    return [[str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns] for path in files]
