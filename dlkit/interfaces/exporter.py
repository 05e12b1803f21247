"""What an exporter is given, and what it must offer for its artefact to get a certificate.

A second format is one file in `components/exporters/`: a subclass of Exporter with the file's name in CamelCase.
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
    """A trained model from raw input to named outputs."""

    @property
    def preprocess(self) -> keras.Model:
        """Raw, resized input to the network's input."""

    @property
    def network(self) -> keras.Model:
        """The trained network."""

    @property
    def resize(self) -> Any:
        """Images of any size to the one that was trained on, or None."""

    @property
    def raw_spec(self) -> ArraySpec:
        """Shape and dtype of one example as the source gives it."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, empty where there are none."""

    @property
    def scores(self) -> str | None:
        """The output whose largest entry names the class, if there is one."""

    def predict(self, inputs: Any) -> dict[str, Any]:
        """Return named outputs for a batch of resized inputs."""

    def predict_raw(self, inputs: Any) -> dict[str, Any]:
        """Return named outputs for a batch of raw inputs."""


@dataclass(frozen=True)
class Tolerance:
    """How far an artefact's answers may be from the run's: |difference| <= absolute + relative |y|.

    ties: the share of pixels of a mask of classes that may differ; where two classes are as good as equal, rounding
    decides. Strings, such as labels, must agree entirely.
    """

    absolute: float = 1e-5
    relative: float = 1e-5
    ties: float = 1e-4


class Exporter(ABC):
    """A format. Its settings are the fields of a dataclass, as for every component."""

    tolerance: ClassVar[Tolerance] = Tolerance()
    reader: ClassVar[Path]
    """A script that answers requests with an artefact in a process that has nothing of dlkit: python -I READER ARTEFACT
    REQUESTS ANSWERS. REQUESTS is an .npz of arrays named `<number>/<endpoint>/<argument>`; ANSWERS gets
    `<number>/<round>/<output>`, where every request is answered whole, one example at a time, and both once more
    (rounds 0 to 3)."""

    @abstractmethod
    def write(self, model: Servable, folder: Path) -> None:
        """Write the artefact into an empty folder."""

    @abstractmethod
    def endpoints(self, model: Servable, examples: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return what to send to every endpoint, as `<endpoint>/<argument>`, so that it answers for these raw examples.

        examples: (n, ...) as the data source gives them. All endpoints must give the outputs of `predict_raw`, and a
        `label` (n,) where the model has scores.
        """

    def check(self, folder: Path) -> None:
        """Raise CheckError when an artefact of unknown origin is not safe to load; data alone needs no check."""
        del folder


def takes_images(spec: ArraySpec) -> bool:
    """Return whether raw examples are pictures that a JPEG or PNG could hold."""
    return spec.dtype == "uint8" and len(spec.shape) == 3 and spec.shape[-1] in (1, 3)
