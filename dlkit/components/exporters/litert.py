"""Export as LiteRT in float32, for phones and small computers."""

from dataclasses import dataclass

from dlkit.components.exporters._litert import LitertExporter


@dataclass(frozen=True, kw_only=True)
class Litert(LitertExporter):
    """Writes a LiteRT (TensorFlow Lite) file in float32, with built-in operations only.

    Networks with recurrent, transposed or upsampling layers take one example a call.
    """

    precision = "float32"
