"""The ImageNet weights published by Keras: read from its cache, or downloaded into it unless offline."""

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import keras

from dlkit.errors import InputError, MissingError, keras_reason
from dlkit.files.downloads import algorithm, checksum, download, network_reachable
from dlkit.process import offline


@dataclass(frozen=True)
class WeightFile:
    """A file that Keras would download: its name, origin, and MD5 or SHA-256 checksum if Keras knows one."""

    name: str
    origin: str
    checksum: str | None

    @property
    def place(self) -> Path:
        """Return the path in Keras' cache."""
        return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models" / self.name


class _AskedFor(Exception):
    """Raised when Keras asks for a file."""

    def __init__(self, file: WeightFile) -> None:
        super().__init__(file.name)
        self.file = file


def imagenet_file(backbone: str, settings: Mapping[str, Any]) -> WeightFile:
    """Return the weight file that Keras would load into this network; raise InputError if these settings have none."""
    with _files_asked_for(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # without the top, any input size will do
        try:
            getattr(keras.applications, backbone)(weights="imagenet", include_top=False, **settings)
        except _AskedFor as question:
            return question.file
        except ValueError as error:
            raise InputError(f"{backbone} has no ImageNet weights for these settings: {keras_reason(error)}") from error
    raise InputError(f"Keras has no ImageNet weights for {backbone}", "give the path of a weight file")


def available(file: WeightFile, network: Any) -> Path:
    """Return the file's path in Keras' cache, downloading it if possible; MissingError says what to put where."""
    if file.place.exists():
        _check_sum(file)
        return file.place
    size = 4 * sum(prod(weight.shape) for weight in network.weights) / 1e6
    known = f"{algorithm(file.checksum)} {file.checksum}" if file.checksum else "Keras publishes no hash of it"
    missing = f"the ImageNet weights {file.name} (about {size:.1f} MB, {known}) are not in {file.place.parent}"
    advice = f"copy the file to {file.place}, or give its path: weights: PATH, or run once with a network"
    if offline():
        raise MissingError(f"{missing}, and --offline forbids the download", advice)
    if not network_reachable(urlsplit(file.origin).hostname or ""):
        raise MissingError(f"{missing}, and no network can be reached to download them", advice)
    download(file.origin, file.place, file.checksum)
    return file.place


def _check_sum(file: WeightFile) -> None:
    if file.checksum is not None and (found := checksum(file.place, file.checksum)) != file.checksum:
        kind = algorithm(file.checksum)
        raise InputError(
            f"{file.place} is not the file that Keras published: its {kind} is {found}, not {file.checksum}",
            "it is damaged or a different file: remove it, or to use it anyway, give its path: weights: PATH",
        )


@contextmanager
def _files_asked_for() -> Iterator[None]:
    """Make Keras raise _AskedFor instead of downloading a file, inside the context."""
    from keras.src.utils import file_utils

    def ask(name: str, origin: str, file_hash: str | None = None, **_: Any) -> None:
        raise _AskedFor(WeightFile(name, origin, file_hash))

    original = file_utils.get_file
    file_utils.get_file = ask
    try:
        yield
    finally:
        file_utils.get_file = original
