"""The interface of exporters: what they receive, and what they must provide for an artefact to get a certificate.

A new format is one file in `components/exporters/`: a subclass of Exporter with the file's name in CamelCase.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import keras
import numpy as np

from dlkit.errors import CheckError, InputError
from dlkit.interfaces.data import ArraySpec


class Servable(Protocol):
    """A trained model that maps raw inputs to named outputs."""

    @property
    def preprocess(self) -> keras.Model:
        """Return the model that maps raw, resized inputs to the network's inputs."""

    @property
    def network(self) -> keras.Model:
        """Return the trained network."""

    @property
    def inference_network(self) -> keras.Model:
        """Return the network from its input to its main output alone."""

    @property
    def resize(self) -> Any:
        """Return the function that resizes images to the size used in training, or None."""

    @property
    def raw_spec(self) -> ArraySpec:
        """Return the shape and dtype of one example as the source provides it."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return the names of the classes, empty without classes."""

    @property
    def scores(self) -> str | None:
        """Return the name of the output whose largest entry is the predicted class, or None."""

    @property
    def spells(self) -> str | None:
        """Return the name of the output of class indices, -1 for none, that spell the predicted text, or None."""

    @property
    def sampling_rate(self) -> int | None:
        """Return the sampling rate of recordings in Hz, or None if examples are not recordings."""

    def predict(self, inputs: Any) -> dict[str, Any]:
        """Return named outputs for a batch of resized inputs."""

    def predict_raw(self, inputs: Any) -> dict[str, Any]:
        """Return named outputs for a batch of raw inputs."""

    def outputs(self, network_outputs: Any) -> dict[str, Any]:
        """Return named outputs for outputs of the network."""


@dataclass(frozen=True)
class Tolerance:
    """The allowed difference between the outputs of an artefact and those of the run: absolute + relative |y|.

    ties: the fraction of pixels in a class mask that may differ, because rounding decides between classes with almost
    equal scores. Labels must be equal, except where the two best scores are that close.
    """

    absolute: float = 1e-5
    relative: float = 1e-5
    ties: float = 1e-4

    def at(self, precision: str) -> "Tolerance":
        """Return the tolerance for networks that compute in a precision of recipes, such as mixed_bfloat16.

        A half precision rounds every layer's outputs to a unit of its own, so that another order of operations, or
        another batch size, changes outputs by a few units; classes with scores that close may change places.
        """
        unit = HALF_UNITS.get(precision)
        if unit is None:
            return self
        return Tolerance(max(self.absolute, 4 * unit), max(self.relative, 4 * unit), max(self.ties, unit))


HALF_UNITS = {"mixed_bfloat16": 2**-8, "mixed_float16": 2**-11}
"""The relative rounding unit of each half precision."""


@dataclass(frozen=True)
class Interface:
    """What an artefact takes and gives, which its model.json describes.

    inputs, outputs: (name, dtype, shape with the batch first; None: any size). starts_at: what the input is: `raw`
    examples of the source, `resized` ones, or the `preprocessed` inputs of the network. caller: what whoever calls the
    artefact must do, in sentences. file: the model's file, `.` for the folder itself.
    """

    file: str
    inputs: tuple["Port", ...]
    outputs: tuple["Port", ...]
    starts_at: str = "raw"
    caller: tuple[str, ...] = ()


@dataclass(frozen=True)
class Port:
    """The name, dtype and shape (batch first, None: any size) of an input or output."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]


class RefusedError(InputError):
    """A network that a format cannot express (exit 2)."""


class ConversionError(CheckError):
    """A converter that fails for a network that its format should be able to express (exit 1)."""


class Exporter(ABC):
    """Base class of export formats; the settings are the fields of a dataclass, as for every component.

    tolerance: the allowed difference from the run; None if the certificate compares the metric instead, because the
    format rounds (int8).
    """

    tolerance: ClassVar[Tolerance | None] = Tolerance()
    runtime: ClassVar[Path]
    """A program that opens an artefact in a process without dlkit.

    It defines `open_artefact(folder, threads)`, which returns a function `call(endpoint, arguments)` from arrays by
    name to arrays by name, and `versions()`, the versions of the packages that compute."""

    @abstractmethod
    def write(self, model: Servable, folder: Path, examples: np.ndarray) -> Interface:
        """Write the artefact into an empty folder; return what it takes and gives.

        examples: (n, ...) raw held-out examples, from which a format that rounds can take the ranges of values.
        """

    @abstractmethod
    def endpoints(self, model: Servable, examples: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return the arguments of every endpoint for these raw examples, by `<endpoint>/<argument>`.

        examples: (n, ...) as the data source provides them. The main endpoint comes first. All must return the outputs
        of `predict_raw`; a `label` (n,) of the names of the predicted classes is compared if there is one.
        """

    def main_input(self, model: Servable, examples: np.ndarray) -> tuple[str, np.ndarray]:
        """Return the first of `endpoints` as `<endpoint>/<argument>` and its array, without the others."""
        return next(iter(self.endpoints(model, examples).items()))

    def refusal(self, model: Servable) -> str | None:
        """Return why the format cannot express a network, as far as its layers tell, or None."""
        del model
        return None

    def check(self, folder: Path, model: Servable) -> None:
        """Raise CheckError when an artefact of unknown origin is not safe to load; plain data needs no check.

        model: what the artefact is said to contain, for formats that are programs.
        """
        del folder, model


def takes_images(spec: ArraySpec) -> bool:
    """Return whether raw examples are images that can be stored as JPEG or PNG."""
    return spec.dtype == "uint8" and len(spec.shape) == 3 and spec.shape[-1] in (1, 3)
