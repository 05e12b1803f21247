"""Export as a TensorFlow SavedModel that takes raw inputs, for TensorFlow Serving or plain `tf.saved_model.load`."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.components.exporters._conversion import PROGRAMS
from dlkit.components.layers._words import lookup_tables
from dlkit.interfaces.exporter import Exporter, Interface, Port, Servable, takes_images
from dlkit.media.images import decode
from dlkit.media.sound_graph import decode_recordings, encode_recordings
from dlkit.safety.saved_models import check_saved_model


@dataclass(frozen=True, kw_only=True)
class SavedModel(Exporter):
    """Writes a TensorFlow SavedModel with preprocessing and decoding inside its graph, in inference mode.

    `serving_default` takes `inputs` in the source's dtype and shape (n, ...); for 8-bit images, `serve_encoded` takes
    `encoded`, JPEG or PNG strings (n,), and for recordings, WAV strings of 16 bits. Both return the task's outputs by
    name and, for classes, `label` strings (n,) from the class names, a constant of the graph; for transcripts, `text`
    strings (n,). Recordings of different lengths are padded with NaN at their end. (Exports of earlier versions have
    class names in a text file, one per line.)
    """

    runtime = PROGRAMS / "run_saved_model.py"

    def write(self, model: Servable, folder: Path, examples: np.ndarray) -> Interface:
        """Write the SavedModel."""
        del examples
        with tempfile.TemporaryDirectory() as scratch:
            served = _Served(model)
            spec = model.raw_spec
            inputs = tf.TensorSpec((None, *spec.shape), spec.dtype, name="inputs")
            signatures = {"serving_default": served.serve.get_concrete_function(inputs)}
            if takes_images(spec) or model.sampling_rate is not None:
                encoded = tf.TensorSpec((None,), tf.string, name="encoded")
                signatures["serve_encoded"] = served.serve_encoded.get_concrete_function(encoded)
            written = Path(scratch) / "written"  # TensorFlow treats []*{} in a path as a pattern
            tf.saved_model.save(served, str(written), signatures=signatures)
            shutil.copytree(written, folder, dirs_exist_ok=True)
        outputs = signatures["serving_default"].structured_outputs
        given = tuple(Port(name, value.dtype.name, tuple(value.shape)) for name, value in sorted(outputs.items()))
        return Interface(".", (Port("inputs", spec.dtype, (None, *spec.shape)),), given)

    def main_input(self, model: Servable, examples: np.ndarray) -> tuple[str, np.ndarray]:
        """Return the raw examples, as `serving_default` takes them."""
        del model
        return "serving_default/inputs", examples

    def endpoints(self, model: Servable, examples: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return the raw examples and, for images, the same examples as PNG strings.

        Recordings of one length are also WAV strings.
        """
        found = {"serving_default/inputs": examples}
        if takes_images(model.raw_spec):
            found["serve_encoded/encoded"] = np.asarray([tf.io.encode_png(image).numpy() for image in examples])
        if model.sampling_rate is not None and np.isfinite(examples).all():
            found["serve_encoded/encoded"] = encode_recordings(examples, model.sampling_rate)
        return found

    def check(self, folder: Path, model: Servable) -> None:
        """Raise CheckError if the graph has operations that act outside the model."""
        del model
        check_saved_model(folder)


class _Served(tf.Module):
    """The functions and variables that the SavedModel contains."""

    def __init__(self, model: Servable) -> None:
        super().__init__(name="served")
        self._model = model
        self.tensors = [variable.value for part in (model.preprocess, model.network) for variable in part.variables]
        self.tables = lookup_tables(model.preprocess)
        self.serve = tf.function(self._serve, autograph=False)
        self.serve_encoded = tf.function(self._serve_encoded, autograph=False)

    def _serve(self, inputs: Any) -> dict[str, Any]:
        return self._labelled(self._model.predict_raw(inputs))

    def _serve_encoded(self, encoded: Any) -> dict[str, Any]:
        if self._model.sampling_rate is not None:
            return self._labelled(self._model.predict(decode_recordings(encoded, self._model.sampling_rate)))
        spec, resize = self._model.raw_spec, self._model.resize

        def pixels(text: Any) -> Any:
            image = tf.ensure_shape(decode(text, spec.shape[-1] or 0), spec.shape)
            return resize(image) if resize else image

        images = tf.map_fn(pixels, encoded, fn_output_signature=tf.uint8)
        shape = (*resize.size, spec.shape[-1]) if resize else spec.shape
        return self._labelled(self._model.predict(tf.ensure_shape(images, (None, *shape))))

    def _labelled(self, outputs: dict[str, Any]) -> dict[str, Any]:
        scores, spells = self._model.scores, self._model.spells
        if spells is not None:
            return outputs | {"text": self._spelled(outputs[spells])}
        if scores is None:
            return outputs
        labels = tf.constant([name.encode() for name in self._model.class_names])
        return outputs | {"label": tf.gather(labels, tf.argmax(outputs[scores], axis=-1))}

    def _spelled(self, letters: Any) -> Any:
        """Return the texts (n,) that indices of classes (n, places) spell; -1 is none."""
        names = tf.constant([*(name.encode() for name in self._model.class_names), b""])
        places = tf.where(letters < 0, len(self._model.class_names), letters)
        return tf.strings.reduce_join(tf.gather(names, places), axis=1)
