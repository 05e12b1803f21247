"""TensorFlow Datasets: downloaded and stored by the library, decoded once into memory-mapped arrays."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from dlkit.components.datasets._masks import check_values, class_indices
from dlkit.errors import InputError, MissingError, closest
from dlkit.files.cache import cached_arrays, cached_json, new_array
from dlkit.files.downloads import network_reachable
from dlkit.interfaces.data import ArraySpec, Description, Resizer, Split, check_split
from dlkit.process import TFDS_DATA, offline, path_from, set_variable
from dlkit.safety.files import first_line

BATCH = 1000


@dataclass(frozen=True, kw_only=True)
class Tfds:
    """A dataset from TensorFlow Datasets, such as mnist or cifar10, downloaded by the library unless offline.

    `input` and `target` name features of the dataset; the default is its supervised pair. A target of pixels
    (height, width, 1) is a mask if `class_names` are given; `values` lists the pixel value of each class, by default
    the class indices, and 255 means no class.
    """

    name: str
    version: str | None = None
    input: str | None = None
    target: str | None = None
    class_names: Annotated[list[str], Field(min_length=2)] | None = None
    values: list[int] | None = None

    def __post_init__(self) -> None:
        if self.values is not None and self.class_names is None:
            raise InputError("values are given without class_names", "give one class name per value")
        check_values(self.values, [], len(self.class_names or ()))

    @cached_property
    def _folder(self) -> Path | None:
        """The prepared folder <data_dir>/<name>/<version>, by default of the newest version."""
        root = data_directory() / self.name
        versions = [path.parent for path in root.glob(f"{self.version or '*'}/dataset_info.json")]
        return max(versions, key=lambda path: [int(n) for n in path.name.split(".") if n.isdigit()], default=None)

    @cached_property
    def _facts(self) -> dict[str, Any]:
        """Shapes, keys and splits as JSON, from the prepared folder or else from the library's description."""
        if self._folder is not None:
            return _prepared_facts(self._folder)
        key = {"name": self.name, "version": self.version, "tfds": installed_version("tensorflow-datasets")}
        facts: dict[str, Any] = cached_json("tfds", key, self._library_facts)
        return facts

    def describe(self) -> Description:
        """Return the description, from the prepared folder's JSON; TensorFlow is loaded only if there is none yet."""
        facts = self._facts
        source, target = (self._feature(key) for key in self._keys())
        if source["shape"] is None or source["kind"] == "classLabel":
            raise InputError(
                f"feature {self._keys()[0]!r} of tfds {self.name} is not an array", "set input to an image feature"
            )
        inputs = ArraySpec(tuple(source["shape"]), source["dtype"])
        if target["kind"] == "classLabel":
            names = tuple(target["names"]) or tuple(str(index) for index in range(target["classes"]))
            return Description(inputs, ArraySpec((), "int64"), names, facts["splits"])
        if self.class_names is not None:
            return self._described_masks(inputs, target)
        return Description(inputs, ArraySpec(tuple(target["shape"] or (1,)), target["dtype"]), (), facts["splits"])

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

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return inputs in the dataset's dtype and int64 labels, memory-mapped from the cache."""
        if self._folder is None:
            self._download()
        check_split(split, self.describe().splits)
        folder = self._folder
        assert folder is not None  # _download raises otherwise
        stamp = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in sorted(folder.iterdir())]
        key: list[Any] = [str(folder.resolve()), stamp, split, self._keys(), resize.key if resize else None]
        key += [len(self.class_names), self.values] if self.class_names else []
        arrays = cached_arrays(key, lambda aside: self._decode(split, resize, aside))
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
        set_variable(TFDS_DATA, str(data_directory()))
        import tensorflow_datasets as tfds

        full = f"{self.name}:{self.version}" if self.version else self.name
        try:
            return tfds.builder(full, data_dir=str(data_directory()))
        except tfds.core.registered.DatasetNotFoundError as error:
            raise InputError(f"tfds has no dataset {self.name!r}", closest(self.name, tfds.list_builders())) from error
        except (AssertionError, ValueError) as error:
            raise InputError(f"tfds cannot open {full!r}: {str(error).splitlines()[0]}") from error

    def _library_facts(self) -> dict[str, Any]:
        info = self._builder().info
        features = {name: _library_feature(feature) for name, feature in info.features.items()}
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
        return MissingError(
            f"the dataset {self.name!r} is not in {data_directory()}{why}",
            f"ways to supply it: run once with a network; or copy a prepared folder to {data_directory() / self.name}; "
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


def data_directory() -> Path:
    """Return TFDS_DATA_DIR, or the library's default folder in the user's home."""
    return path_from(TFDS_DATA) or Path.home() / "tensorflow_datasets"


def _open_files(aside: Path, count: int, inputs: np.ndarray, targets: np.ndarray) -> tuple[np.memmap, np.memmap]:
    def create(name: str, like: np.ndarray) -> np.memmap:
        return new_array(aside / f"{name}.npy", like.dtype, (count, *like.shape[1:]))

    return create("inputs", inputs), create("targets", targets)


def _prepared_facts(folder: Path) -> dict[str, Any]:
    """Read the JSON files that the library writes next to its records."""
    info = json.loads((folder / "dataset_info.json").read_text())
    raw = json.loads((folder / "features.json").read_text())["featuresDict"]["features"]
    supervised = [item["featureKey"] for item in info.get("supervisedKeys", {}).get("tuple", {}).get("items", [])]
    splits = {split["name"]: sum(int(n) for n in split.get("shardLengths", [])) for split in info["splits"]}
    facts = {"features": {name: _prepared_feature(folder, name, value) for name, value in raw.items()}}
    stamp = hashlib.sha256((folder / "features.json").read_bytes()).hexdigest()
    return facts | {"supervised": supervised, "splits": splits, "stamp": stamp}


def _prepared_feature(folder: Path, name: str, raw: dict[str, Any]) -> dict[str, Any]:
    kind = next(key for key in raw if key != "pythonClassName")
    value = raw[kind]
    dimensions = value.get("shape", {}).get("dimensions") if isinstance(value, dict) else None
    shape = None if dimensions is None else [None if int(n) < 0 else int(n) for n in dimensions]
    names_file = folder / f"{name}.labels.txt"
    names = names_file.read_text().split("\n")[:-1] if names_file.exists() else []
    classes = int(value.get("numClasses", 0)) if isinstance(value, dict) else 0
    return {"kind": kind, "shape": shape, "dtype": value.get("dtype", "int64"), "names": names, "classes": classes}


def _library_feature(feature: Any) -> dict[str, Any]:
    classes = getattr(feature, "num_classes", None)
    shape = list(feature.shape) if isinstance(feature.shape, tuple) else None
    names = list(feature.names) if classes is not None else []
    kind = "classLabel" if classes is not None else type(feature).__name__
    dtype = np.dtype(feature.np_dtype).name if shape is not None else ""
    return {"kind": kind, "shape": shape, "dtype": dtype, "names": names, "classes": classes or 0}


def _network_reachable() -> bool:
    """Return whether a host name resolves within a few seconds; the library would wait more than a minute."""
    return network_reachable("www.tensorflow.org")
