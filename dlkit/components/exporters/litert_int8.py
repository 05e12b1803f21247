"""Export as LiteRT in 8-bit integers, for phones and microcontrollers."""

from dataclasses import dataclass

from dlkit.components.exporters._litert import LitertExporter, recurrent_layers
from dlkit.interfaces.exporter import Servable


@dataclass(frozen=True, kw_only=True)
class LitertInt8(LitertExporter):
    """Writes a LiteRT file whose weights and activations are 8-bit integers: about a quarter of the size of float32.

    Inputs and outputs keep their types. The ranges of the activations come from the run's held-out samples. The
    certificate compares the metric: an artefact that loses more than `--allowed-loss` is discarded.
    """

    precision = "int8"
    tolerance = None

    def refusal(self, model: Servable) -> str | None:
        """Return what LiteRT lacks for this network; its converter crashes where it quantizes recurrent layers."""
        if recurrent := recurrent_layers(model.network):
            return f"LiteRT's converter cannot quantize layer {recurrent[0].name!r}, which is recurrent"
        return super().refusal(model)
