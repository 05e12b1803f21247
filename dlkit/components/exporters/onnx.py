"""Export as ONNX, for ONNX Runtime and the many programs that read it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlkit.components.exporters._conversion import PROGRAMS, convert, saved_for_conversion
from dlkit.components.exporters._entry import SPECTRA, EntryExporter, ports_of
from dlkit.interfaces.exporter import Interface, Servable
from dlkit.safety.onnx_files import check_onnx

OPSET = 18


@dataclass(frozen=True, kw_only=True)
class Onnx(EntryExporter):
    """Writes model.onnx (operator set 18) in float32, with preprocessing inside and any batch size.

    Text and MelSpectrogram are not inside: ONNX has no such operations. The certificate says what the caller computes.
    """

    runtime = PROGRAMS / "run_onnx.py"
    without = SPECTRA

    def write(self, model: Servable, folder: Path, examples: np.ndarray) -> Interface:
        """Write the ONNX file."""
        del examples
        entry = self.entry(model)
        with saved_for_conversion(model, entry, None) as saved:
            convert(PROGRAMS / "convert_onnx.py", saved, folder / "model.onnx", opset=OPSET)
        inputs, outputs = ports_of(entry, None)
        return Interface("model.onnx", (inputs,), outputs, entry.starts_at, entry.caller)

    def check(self, folder: Path, model: Servable) -> None:
        """Raise CheckError if the file reads other files or contains operations that are not ONNX's own."""
        del model
        check_onnx(folder / "model.onnx")
