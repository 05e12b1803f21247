"""Export as ONNX, for ONNX Runtime and the many programs that read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlkit.components.exporters._conversion import PROGRAMS, convert, saved_for_conversion
from dlkit.components.exporters._entry import SPECTRA, Entry, entry_of, ports_of
from dlkit.interfaces.exporter import Exporter, Interface, Servable
from dlkit.safety.onnx_files import check_onnx

OPSET = 18


@dataclass(frozen=True, kw_only=True)
class Onnx(Exporter):
    """Writes model.onnx (operator set 18) in float32, with preprocessing inside and any batch size.

    Text and spectrograms are not inside: ONNX has no such operations, so the certificate says what the caller computes.
    """

    runtime = PROGRAMS / "run_onnx.py"

    def write(self, model: Servable, folder: Path, examples: np.ndarray) -> Interface:
        """Write the ONNX file."""
        del examples
        entry = _entry(model)
        with saved_for_conversion(model, entry, None) as saved:
            convert(PROGRAMS / "convert_onnx.py", saved, folder / "model.onnx", opset=OPSET)
        inputs, outputs = ports_of(entry, None)
        return Interface("model.onnx", (inputs,), outputs, entry.starts_at, entry.caller)

    def endpoints(self, model: Servable, examples: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return the inputs of the graph for these raw examples."""
        return {"serving_default/inputs": _entry(model).inputs_of(examples)}

    def check(self, folder: Path, model: Servable) -> None:
        """Raise CheckError if the file reads other files or contains operations that are not ONNX's own."""
        del model
        check_onnx(folder / "model.onnx")


def _entry(model: Servable) -> Entry:
    return entry_of(model, SPECTRA)
