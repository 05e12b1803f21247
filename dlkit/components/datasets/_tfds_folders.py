"""The folders and JSON files in which TensorFlow Datasets stores prepared data: <name>[/<configuration>]/<version>."""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.errors import InputError
from dlkit.process import TFDS_DATA, path_from

INFO = "dataset_info.json"


@contextmanager
def without_leftovers() -> Iterator[None]:
    """Put the temporary folders of the library, which it never removes, into one that is removed."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = before


def data_directory() -> Path:
    """Return TFDS_DATA_DIR, or the library's default folder in the user's home."""
    return path_from(TFDS_DATA) or Path.home() / "tensorflow_datasets"


def prepared_versions(place: Path, pattern: str = "*") -> list[Path]:
    """Return the prepared folders in the folder of a dataset or configuration, the newest version last."""
    folders = [path.parent for path in place.glob(f"{pattern}/{INFO}")]
    return sorted(folders, key=lambda path: [int(n) for n in path.name.split(".") if n.isdigit()])


def prepared_folder(full_name: str) -> Path | None:
    """Return the folder of name[/configuration][:version], by default of the newest version; None if there is none."""
    name, _, version = full_name.partition(":")
    root = data_directory() / name
    if "/" not in name and not prepared_versions(root):
        root = _default_configuration(root)
    return next(reversed(prepared_versions(root, version or "*")), None)


def _default_configuration(root: Path) -> Path:
    """Return the folder of the configuration that the library takes by default; raise InputError if it is unknown."""
    configurations = sorted({path.parent.parent.name for path in root.glob(f"*/*/{INFO}")})
    try:
        default = json.loads((root / ".config" / "metadata.json").read_text())["default_config_name"]
    except (OSError, ValueError, KeyError, TypeError):
        default = None
    if configurations and default is None:
        raise InputError(
            f"the dataset {root.name!r} has the configurations {', '.join(configurations)}",
            f"name one of them: {root.name}/{configurations[0]}",
        )
    return root / default if isinstance(default, str) else root


def prepared_facts(folder: Path) -> dict[str, Any]:
    """Read the JSON files that the library writes next to its records."""
    info = json.loads((folder / INFO).read_text())
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


def library_feature(feature: Any) -> dict[str, Any]:
    """Return kind, shape, dtype and classes of a feature as the library describes it."""
    classes = getattr(feature, "num_classes", None)
    shape = list(feature.shape) if isinstance(feature.shape, tuple) else None
    names = list(feature.names) if classes is not None else []
    kind = "classLabel" if classes is not None else type(feature).__name__
    dtype = np.dtype(feature.np_dtype).name if shape is not None else ""
    return {"kind": kind, "shape": shape, "dtype": dtype, "names": names, "classes": classes or 0}
