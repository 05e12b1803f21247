"""Export as an OpenVINO model, for Intel's processors and accelerators."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlkit.components.exporters._conversion import PROGRAMS, convert, saved_for_conversion
from dlkit.components.exporters._entry import EntryExporter, ports_of
from dlkit.interfaces.exporter import Interface, Servable
from dlkit.safety.openvino_files import check_openvino

PRECISION = (
    "set INFERENCE_PRECISION_HINT to f32: on processors with bfloat16 units OpenVINO otherwise computes in bfloat16, "
    "with differences of about 0.01"
)


@dataclass(frozen=True, kw_only=True)
class Openvino(EntryExporter):
    """Writes model.xml and model.bin in float32, with preprocessing inside and any batch size.

    The certificate holds for the precision f32; the caller must ask for it.
    """

    runtime = PROGRAMS / "run_openvino.py"

    def write(self, model: Servable, folder: Path, examples: np.ndarray) -> Interface:
        """Write the two files of the model."""
        del examples
        entry = self.entry(model)
        inputs, outputs = ports_of(entry, None)
        with saved_for_conversion(model, entry, None) as saved:
            names = [port.name for port in outputs]
            convert(PROGRAMS / "convert_openvino.py", saved, folder / "model.xml", outputs=names)
        return Interface("model.xml", (inputs,), outputs, entry.starts_at, (*entry.caller, PRECISION))

    def check(self, folder: Path, model: Servable) -> None:
        """Raise CheckError if the model reads other files or contains operations of others."""
        del model
        check_openvino(folder / "model.xml")
