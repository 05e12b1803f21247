"""Export as LiteRT with weights in float16, for phones and small computers."""

from dataclasses import dataclass

from dlkit.components.exporters._litert import LitertExporter
from dlkit.interfaces.exporter import Tolerance


@dataclass(frozen=True, kw_only=True)
class LitertFloat16(LitertExporter):
    """Writes a LiteRT file with weights in float16: half the size of float32.

    Every weight is rounded to 11 significant bits, so that outputs may differ by about 0.005.
    """

    precision = "float16"
    tolerance = Tolerance(absolute=5e-3, relative=5e-3, ties=5e-3)
