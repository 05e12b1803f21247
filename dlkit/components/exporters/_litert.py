"""What the LiteRT formats have in common: one file, built-in operations only, any batch size or one example a call."""

import tempfile
from pathlib import Path
from typing import ClassVar

import keras
import numpy as np

from dlkit.analysis.facts import shape_in
from dlkit.components.exporters._conversion import PROGRAMS, convert, saved_for_conversion
from dlkit.components.exporters._entry import SPECTRA, EntryExporter, ports_of
from dlkit.interfaces.exporter import Interface, Servable
from dlkit.safety.litert_files import check_litert

FILE = "model.tflite"
FIXED_BATCH = (
    "RNN",
    "LSTM",
    "GRU",
    "SimpleRNN",
    "Bidirectional",
    "UpSampling2D",
    "Conv2DTranspose",
    "TransposedConvolution",
)
"""Layers whose LiteRT operations need a fixed batch size."""


class LitertExporter(EntryExporter):
    """Writes model.tflite in one precision: float32, float16 or int8."""

    precision: ClassVar[str]
    runtime = PROGRAMS / "run_litert.py"
    without = SPECTRA

    def write(self, model: Servable, folder: Path, examples: np.ndarray) -> Interface:
        """Write the LiteRT file; raise CheckError when the converter cannot express the network."""
        entry, batch = self.entry(model), fixed_batch(model.network)
        with saved_for_conversion(model, entry, batch) as saved, tempfile.TemporaryDirectory() as scratch:
            settings = {"precision": self.precision}
            if self.precision == "int8":
                settings["examples"] = str(Path(scratch) / "examples.npy")
                np.save(settings["examples"], entry.inputs_of(examples))
            convert(PROGRAMS / "convert_litert.py", saved, folder / FILE, **settings)
        inputs, outputs = ports_of(entry, batch)
        caller = (
            entry.caller if batch is None else (*entry.caller, "give one example a call: the batch size is fixed at 1")
        )
        return Interface(FILE, (inputs,), outputs, entry.starts_at, caller)

    def refusal(self, model: Servable) -> str | None:
        """Return what LiteRT lacks for this network: float64, or in recurrent layers sequences of any length."""
        if any(layer.compute_dtype == "float64" for layer in model.network._flatten_layers()):
            return "it computes in float64, but LiteRT in float32"
        free = [layer.name for layer in recurrent_layers(model.network) if None in shape_in(layer)[1:]]
        if free:
            return f"layer {free[0]!r} reads sequences of any length, but LiteRT needs a fixed length"
        return None

    def check(self, folder: Path, model: Servable) -> None:
        """Raise CheckError if the file is damaged, or needs operations that are not LiteRT's own."""
        del model
        check_litert(folder / FILE)


def fixed_batch(network: keras.Model) -> int | None:
    """Return 1 for a network with layers that need a fixed batch size, else None for any."""
    return 1 if any(type(layer).__name__ in FIXED_BATCH for layer in network._flatten_layers()) else None


def recurrent_layers(network: keras.Model) -> list[keras.Layer]:
    """Return the recurrent layers of a network, in order; the two within a Bidirectional are not of the network."""
    kinds = keras.layers.RNN | keras.layers.Bidirectional
    return [layer for layer in network._flatten_layers() if isinstance(layer, kinds) and layer._inbound_nodes]
