"""TensorFlow Datasets: downloaded and stored by the library, decoded once into memory-mapped arrays."""

import re
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from dlkit.components.datasets._masks import check_values, class_indices
from dlkit.components.datasets._tfds_folders import (
    data_directory,
    library_feature,
    prepared_facts,
    prepared_folder,
    prepared_versions,
    without_leftovers,
)
from dlkit.errors import InputError, MissingError, closest
from dlkit.files.cache import cached_arrays, cached_json, new_array
from dlkit.files.downloads import network_reachable
from dlkit.interfaces.data import ArraySpec, Description, Resizer, Split, check_split
from dlkit.interfaces.ragged import Texts
from dlkit.process import offline
from dlkit.safety.files import first_line

BATCH = 1000
_NAME = re.compile(r"[a-z0-9_]+(/[\w.+-]+)?(:(\d+|\*)(\.(\d+|\*)){2})?")


@dataclass(frozen=True, kw_only=True)
class Tfds:
    """A dataset from TensorFlow Datasets, such as mnist or cifar10, downloaded by the library unless offline.

    `name` may contain a configuration and a version, as for tfds.load: `glue/sst2`, `mnist:3.0.1`, `mnist:3.*.*`. The
    default is the newest version there is. `input` and `target` name features of the dataset; the default is its
    supervised pair. A target of pixels (height, width, 1) is a mask if `class_names` are given; `values` lists the
    pixel value of each class, by default the class indices, and 255 means no class.
    """

    name: str
    version: str | None = None
    input: str | None = None
    target: str | None = None
    class_names: Annotated[list[str], Field(min_length=2)] | None = None
    values: list[int] | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self._full_name) or (self.version and ":" in self.name):
            raise InputError(
                f"{self._full_name!r} is not the name of a dataset",
                "write the name in lower case, with a configuration or a version of three numbers if necessary: "
                "mnist, glue/sst2, mnist:3.0.1 or mnist:3.*.*",
            )
        if self.values is not None and self.class_names is None:
            raise InputError("values are given without class_names", "give one class name per value")
        check_values(self.values, [], len(self.class_names or ()))

    @property
    def _full_name(self) -> str:
        return f"{self.name}:{self.version}" if self.version else self.name

    @cached_property
    def _folder(self) -> Path | None:
        """The prepared folder, None if there is none."""
        return prepared_folder(self._full_name)

    @cached_property
    def _facts(self) -> dict[str, Any]:
        """Shapes, keys and splits as JSON, from the prepared folder or else from the library's description."""
        if self._folder is not None:
            return prepared_facts(self._folder)
        key = {"name": self._full_name, "tfds": installed_version("tensorflow-datasets")}
        facts: dict[str, Any] = cached_json("tfds", key, self._library_facts)
        return facts

    def describe(self) -> Description:
        """Return the description, from the prepared folder's JSON; TensorFlow is loaded only if there is none yet."""
        facts = self._facts
        source, target = (self._feature(key) for key in self._keys())
        self._check_input(source)
        inputs = ArraySpec((), "string") if _is_text(source) else ArraySpec(tuple(source["shape"]), source["dtype"])
        if target["kind"] == "classLabel":
            numbers = tuple(str(index) for index in range(target["classes"]))
            names = tuple(target["names"]) or numbers
            unnamed = self._folder is None and names == numbers  # cifar10 names its classes when it is downloaded
            return Description(inputs, ArraySpec((), "int64"), names, facts["splits"], unnamed=unnamed)
        if self.class_names is not None:
            return self._described_masks(inputs, target)
        return Description(inputs, ArraySpec(tuple(target["shape"] or (1,)), target["dtype"]), (), facts["splits"])

    def _check_input(self, source: dict[str, Any]) -> None:
        """Raise InputError unless a feature is an array of numbers, or a text."""
        feature = f"feature {self._keys()[0]!r} of tfds {self.name}"
        if _is_text(source):
            return
        if source["dtype"] in ("string", "object"):
            raise InputError(f"{feature} is not one text", f"set input to another feature; features: {self._names()}")
        if not source["shape"] or source["kind"] == "classLabel":
            raise InputError(f"{feature} is not an array", f"set input to an image feature; features: {self._names()}")

    def _described_masks(self, inputs: ArraySpec, target: dict[str, Any]) -> Description:
        shape = target["shape"]
        if shape is None or len(shape) != 3 or shape[-1] != 1:
            raise InputError(
                f"feature {self._keys()[1]!r} of tfds {self.name} is not a mask, its shape is {shape}",
                f"a mask has the shape [height, width, 1]; features: {self._names()}",
            )
        return Description(
            inputs, ArraySpec(tuple(shape[:2]), "uint8"), tuple(self.class_names or ()), self._facts["splits"]
        )

    def check_present(self) -> None:
        """Raise MissingError if there is no prepared folder."""
        if self._folder is None:
            raise self._missing()

    def fetch(self) -> None:
        """Download the dataset unless it is there; only then are the names of its classes known."""
        if self._folder is None:
            self._download()

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return inputs in the dataset's dtype and int64 labels, memory-mapped from the cache."""
        self.fetch()
        check_split(split, self.describe().splits)
        folder = self._folder
        assert folder is not None  # _download raises otherwise
        stamp = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in sorted(folder.iterdir())]
        key: list[Any] = [str(folder.resolve()), stamp, split, self._keys(), resize.key if resize else None]
        key += [len(self.class_names), self.values] if self.class_names else []
        arrays = cached_arrays(key, lambda aside: self._decode(split, resize, aside))
        if "lengths" in arrays:
            lengths = np.asarray(arrays["lengths"])
            return Split(Texts(arrays["inputs"], np.cumsum(lengths) - lengths, lengths), arrays["targets"])
        return Split(arrays["inputs"], arrays["targets"])

    def _keys(self) -> tuple[str, str]:
        supervised = self._facts["supervised"] or [None, None]
        keys = (self.input or supervised[0], self.target or supervised[1])
        if keys[0] is None or keys[1] is None:
            raise InputError(
                f"tfds {self.name} has no supervised pair", f"give input and target; features: {self._names()}"
            )
        return keys

    def _names(self) -> str:
        return ", ".join(self._facts["features"])

    def _feature(self, key: str) -> dict[str, Any]:
        features = self._facts["features"]
        if key not in features:
            raise InputError(f"tfds {self.name} has no feature {key!r}", closest(key, list(features)))
        return dict(features[key])

    def _builder(self) -> Any:
        import tensorflow_datasets as tfds

        full = self._full_name
        try:
            with without_leftovers():
                return tfds.builder(full, data_dir=str(data_directory()))
        except tfds.core.registered.DatasetNotFoundError as error:
            name = full.partition(":")[0].partition("/")[0]
            raise InputError(f"tfds has no dataset {name!r}", closest(name, tfds.list_builders())) from error
        except (AssertionError, ValueError) as error:
            reason = str(error).splitlines()[0].rpartition('": ')[2].partition(". Here are")[0]
            raise InputError(f"tfds cannot open {full!r}: {reason}") from error

    def _library_facts(self) -> dict[str, Any]:
        info = self._builder().info
        features = {name: library_feature(feature) for name, feature in info.features.items()}
        return {"features": features, "supervised": list(info.supervised_keys or []), "splits": {}}

    def _download(self) -> None:
        """Prepare the dataset with the library; raise MissingError if offline or no network can be reached."""
        if offline():
            raise self._missing(" and --offline forbids the download")
        builder = self._builder()
        if not _network_reachable():
            raise self._missing(" and no network can be reached to download it")
        try:
            builder.download_and_prepare()
        except Exception as error:  # the library raises many kinds, and all mean that the download failed
            raise self._missing(f" and its download failed: {first_line(error)}") from error
        self.__dict__.pop("_folder", None)
        self.__dict__.pop("_facts", None)
        if self._folder is None:
            raise self._missing(", even after its preparation")

    def _missing(self, why: str = "") -> MissingError:
        place = data_directory() / self._full_name.partition(":")[0]
        there = [path.name for path in prepared_versions(place)]
        return MissingError(
            f"the dataset {self._full_name!r} is not in {data_directory()}{why}",
            (f"versions there: {', '.join(there)}; " if there else "")
            + f"ways to supply it: run once with a network; or copy a prepared folder to {place}; "
            "or point --data-dir or TFDS_DATA_DIR to a folder that contains it",
        )

    def _decode(self, split: str, resize: Resizer | None, aside: Path) -> None:
        """Write inputs.npy and targets.npy, BATCH examples at a time."""
        import tensorflow_datasets as tfds

        source, target = self._keys()
        examples = tfds.builder_from_directory(str(self._folder)).as_dataset(split=split, shuffle_files=False)
        labels = resize.of_labels() if resize and self.class_names else None
        pairs = examples.map(
            lambda row: (
                resize(row[source]) if resize else row[source],
                labels(row[target]) if labels else row[target],
            )
        )
        if _is_text(self._feature(source)):
            return _write_texts(aside, list(pairs.as_numpy_iterator()))
        count, start, files = self.describe().splits[split], 0, None
        for inputs, targets in pairs.batch(BATCH).as_numpy_iterator():
            if self.class_names:
                targets = class_indices(
                    targets[..., 0], self.values, [], len(self.class_names), f"a mask of split {split!r} of {self.name}"
                )
            files = files or _open_files(aside, count, inputs, targets)
            files[0][start : start + len(inputs)] = inputs
            files[1][start : start + len(inputs)] = targets
            start += len(inputs)
        if files is None or start != count:
            raise MissingError(f"split {split!r} of {self._folder} contains {start} examples instead of {count}")
        for file in files:
            file.flush()


def _is_text(feature: dict[str, Any]) -> bool:
    """Return whether a feature is one text."""
    return str(feature["kind"]).lower() == "text"


def _write_texts(aside: Path, pairs: list[tuple[bytes, Any]]) -> None:
    """Write the bytes of all texts as inputs.npy, their lengths, and targets.npy."""
    np.save(aside / "inputs.npy", np.frombuffer(b"".join(text for text, _ in pairs), np.uint8))
    np.save(aside / "lengths.npy", np.asarray([len(text) for text, _ in pairs], np.int64))
    np.save(aside / "targets.npy", np.asarray([target for _, target in pairs]))


def _open_files(aside: Path, count: int, inputs: np.ndarray, targets: np.ndarray) -> tuple[np.memmap, np.memmap]:
    def create(name: str, like: np.ndarray) -> np.memmap:
        return new_array(aside / f"{name}.npy", like.dtype, (count, *like.shape[1:]))

    return create("inputs", inputs), create("targets", targets)


def _network_reachable() -> bool:
    """Return whether a host name resolves within a few seconds; the library would wait more than a minute."""
    return network_reachable("www.tensorflow.org")
