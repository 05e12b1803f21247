"""Export as LiteRT in 8-bit integers, for phones and microcontrollers."""

from dataclasses import dataclass

from dlkit.components.exporters._litert import LitertExporter


@dataclass(frozen=True, kw_only=True)
class LitertInt8(LitertExporter):
    """Writes a LiteRT file whose weights and activations are 8-bit integers: about a quarter of the size of float32.

    Inputs and outputs keep their types. The ranges of the activations come from the run's held-out samples. The
    certificate compares the metric: an artefact that loses more than `--allowed-loss` is discarded.
    """

    precision = "int8"
    tolerance = None
