"""What an exporter is given, and what it must offer."""

from pathlib import Path
from typing import Any, Protocol

import keras

from dlkit.datasets._dataset import ArraySpec


class Servable(Protocol):
    """A trained model from raw input to named outputs."""

    preprocess: keras.Model
    network: keras.Model
    resize: Any

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
        """Named outputs for a batch of resized inputs."""

    def predict_raw(self, inputs: Any) -> dict[str, Any]:
        """Named outputs for a batch of raw inputs."""


class Exporter(Protocol):
    """A file in dlkit/exporters/: a function that writes an artefact into an empty folder."""

    def __call__(self, model: Servable, folder: Path) -> None:
        """Write the artefact."""


def takes_images(spec: ArraySpec) -> bool:
    """Whether raw examples are pictures that a JPEG or PNG could hold."""
    return spec.dtype == "uint8" and len(spec.shape) == 3 and spec.shape[-1] in (1, 3)
