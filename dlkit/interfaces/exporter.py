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

    def predict(self, inputs: Any) -> dict[str, Any]:
        """Return named outputs for a batch of resized inputs."""

    def predict_raw(self, inputs: Any) -> dict[str, Any]:
        """Return named outputs for a batch of raw inputs."""


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


class Exporter(ABC):
    """Base class of export formats; the settings are the fields of a dataclass, as for every component."""

    tolerance: ClassVar[Tolerance] = Tolerance()
    reader: ClassVar[Path]
    """A script that runs an artefact in a process without dlkit: python -I READER ARTEFACT REQUESTS ANSWERS.

    REQUESTS is an .npz of arrays named `<number>/<endpoint>/<argument>`, ANSWERS one of arrays named
    `<number>/<round>/<output>`. Each request is answered as a whole batch, one example at a time, and both again
    (rounds 0 to 3)."""

    @abstractmethod
    def write(self, model: Servable, folder: Path) -> None:
        """Write the artefact into an empty folder."""

    @abstractmethod
    def endpoints(self, model: Servable, examples: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return the arguments of every endpoint for these raw examples, by `<endpoint>/<argument>`.

        examples: (n, ...) as the data source provides them. All endpoints must return the outputs of `predict_raw`,
        and a `label` (n,) if the model has scores.
        """

    def check(self, folder: Path) -> None:
        """Raise CheckError when an artefact of unknown origin is not safe to load; plain data needs no check."""
        del folder


def takes_images(spec: ArraySpec) -> bool:
    """Return whether raw examples are images that can be stored as JPEG or PNG."""
    return spec.dtype == "uint8" and len(spec.shape) == 3 and spec.shape[-1] in (1, 3)
