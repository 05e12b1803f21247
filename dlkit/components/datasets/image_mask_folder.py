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
from dlkit.files.cache import cached_arrays, cached_json, new_array
from dlkit.interfaces.data import ArraySpec, DataPath, Description, Resizer, Split, check_split, seeded_split
from dlkit.process import SKIP_BAD, whole_number
from dlkit.safety.files import check_links

SHOWN = 10

Pair = tuple[Path, Path]


@dataclass(frozen=True, kw_only=True)
class ImageMaskFolder:
    """Images and masks paired by name: directory/images/1.png with directory/masks/1.png, or the same below train.

    `images` and `masks` name the two folders. Folders train, validation and test in `directory` are the splits; without
    them a seeded fraction `test_fraction` is held out as test. The name of a mask is that of its image followed by
    `mask_suffix`. Masks are PNG, GIF or BMP files of class indices, grey or with a palette, with 255 for pixels that
    belong to no class. Alternatively, `values` lists the pixel value of each class, numbers such as [0, 255] or colours
    such as [[0, 0, 0], [255, 0, 0]] (one-hot masks of three classes are colours too), and `void` those of no class.
    Without data.resize, all images must have the same size.
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
    def _pairs(self) -> dict[str, list[Pair]]:
        """All pairs of every split, including unreadable ones."""
        root = Path(self.directory)
        if not root.is_dir():
            raise MissingError(
                f"no such folder: {root}",
                f"create one with the folders {self.images} and {self.masks}, or give its path: "
                "--set data.source.image_mask_folder.directory=PATH",
            )
        folders = {SPLIT_NAMES[path.name]: path for path in sorted(root.iterdir()) if path.name in SPLIT_NAMES}
        folders = {name: path for name, path in folders.items() if (path / self.images).is_dir()}
        if folders:
            if "train" not in folders:
                raise MissingError(f"{root} has {', '.join(folders)} but no train folder", "add train/images/<image>")
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
                f"give an image and its mask the same name apart from the ending, in {self.images} and {self.masks}",
            )
        return [(path, masks[name]) for name, path in images.items()]

    def _named(self, folder: Path, suffixes: set[str], ending: str) -> dict[str, Path]:
        """Return the files below a folder by their relative name without ending."""
        if not folder.is_dir():
            raise MissingError(f"no such folder: {folder}", "name the two folders with the settings images and masks")
        named: dict[str, Path] = {}
        for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes):
            name = str(path.relative_to(folder).with_suffix("")).removesuffix(ending)
            if name in named:
                raise InputError(f"{named[name]} and {path} have the same name", "rename or remove one")
            named[name] = path
        if not named:
            raise MissingError(f"no images in {folder}", f"supported file types: {', '.join(sorted(suffixes))}")
        check_links(Path(self.directory), list(named.values()))
        return named

    @cached_property
    def problems(self) -> dict[Path, str]:
        """Return the problems of bad files in all splits, cached for each state of the files."""
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
        """Return an image uint8 (h, w, channels) and its class indices (h, w); raise InputError naming a bad file."""
        from dlkit.media.images import read_image

        image = read_image(pair[0], self.channels)
        mask = read_mask(pair[1], self.values, self.void, len(self.class_names))
        if image.shape[:2] != mask.shape:
            sizes = [f"{height} x {width}" for height, width in (mask.shape, image.shape[:2])]
            raise InputError(
                f"{pair[1]} has {sizes[0]} pixels, but its image {pair[0].name} has {sizes[1]}",
                "give the mask the size of its image",
            )
        return image, mask

    @cached_property
    def left_out(self) -> tuple[Path, ...]:
        """Return the bad files whose pairs are skipped; raise InputError if DLKIT_SKIP_BAD allows fewer."""
        if len(self.problems) > self._skips:
            reasons = list(self.problems.values())
            more = f"\nand {len(reasons) - SHOWN} more" if len(reasons) > SHOWN else ""
            raise InputError(
                "\n".join(reasons[:SHOWN]) + more,
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
        bad = set(self.left_out) if self._skips else set()
        counts = {split: sum(not bad & set(pair) for pair in pairs) for split, pairs in self._pairs.items()}
        return Description(inputs, targets, names, counts)

    def check_present(self) -> None:
        """Raise MissingError or InputError unless the folders of images and masks exist."""
        _ = self._pairs

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return images uint8 (n, h, w, channels) and class indices uint8 (n, h, w), decoded once and cached."""
        check_split(split, list(self._pairs))
        bad = set(self.left_out)
        pairs = [pair for pair in self._pairs[split] if not bad & set(pair)]
        if not pairs:
            raise MissingError(f"split {split!r} of {self.directory} has no readable image-mask pair")
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
