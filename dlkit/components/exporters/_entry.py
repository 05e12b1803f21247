"""Where an artefact starts that takes plain arrays: at raw examples, resized ones, or the network's own inputs.

Formats other than a SavedModel cannot decode strings or resize images of any size. Such steps stay with the caller, and
the artefact's certificate says which.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.exporter import Exporter, Port, Servable, takes_images

SPECTRA = ("MelSpectrogram",)
"""Keras layers with a Fourier transform, which not every format has; STFTSpectrogram computes it by convolution."""


@dataclass(frozen=True)
class Entry:
    """A model from its entry on: spec of one example there, and the functions to it and from it to the outputs.

    starts_at: `raw`, `resized` or `preprocessed`. inputs_of: raw examples (n, ...) to the artefact's inputs.
    """

    starts_at: str
    spec: ArraySpec
    inputs_of: Callable[[np.ndarray], np.ndarray]
    predict: Callable[[Any], Mapping[str, Any]]
    caller: tuple[str, ...]


class EntryExporter(Exporter):
    """Base of formats with one endpoint, which takes the inputs of the model's entry.

    without: the layers that the format cannot contain. text: whether it can contain texts.
    """

    without: ClassVar[tuple[str, ...]] = ()
    text: ClassVar[bool] = False

    def entry(self, model: Servable) -> Entry:
        """Return where the artefact starts."""
        return entry_of(model, self.without, text=self.text)

    def endpoints(self, model: Servable, examples: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return the inputs of the artefact for these raw examples."""
        return {"serving_default/inputs": self.entry(model).inputs_of(examples)}


def entry_of(model: Servable, without: tuple[str, ...] = (), *, text: bool = False) -> Entry:
    """Return the earliest entry of a model that has none of the layers `without` behind it, nor text unless `text`."""
    caller = _image_steps(model)
    resized = model.resize if model.resize is not None else _unchanged
    spec = ArraySpec(tuple(model.preprocess.input.shape[1:]), str(model.preprocess.input.dtype))
    steps = _outside(model.preprocess, without, text)
    if steps:
        ready = model.preprocess.output
        after = ArraySpec(tuple(ready.shape[1:]), str(ready.dtype))
        return Entry(
            "preprocessed",
            after,
            lambda raw: _array(model.preprocess(resized(_tensor(raw)), training=False)).astype(after.dtype, copy=False),
            lambda inputs: model.outputs(model.network(inputs, training=False)),
            (*caller, f"preprocess: {', then '.join(steps)}"),
        )
    starts_at = "raw" if model.resize is None else "resized"
    return Entry(starts_at, spec, lambda raw: _array(resized(_tensor(raw))), model.predict, caller)


def _unchanged(inputs: Any) -> Any:
    return inputs


def _tensor(raw: np.ndarray) -> Any:
    return tf.constant(raw.astype(object) if raw.dtype.kind == "S" else raw)


def _array(values: Any) -> np.ndarray:
    """Return a tensor as an array; texts as bytes, which need no pickle in files."""
    found = np.asarray(keras.ops.convert_to_numpy(values))
    return found.astype(bytes) if found.dtype == object else found


def _outside(preprocess: keras.Model, without: tuple[str, ...], text: bool) -> list[str]:
    """Return the preprocessing layers with their settings if they cannot be in the artefact, else nothing."""
    layers = [layer for layer in preprocess.layers if not isinstance(layer, keras.layers.InputLayer)]
    readable = text or str(preprocess.input.dtype) != "string"
    if readable and not any(type(layer).__name__ in without for layer in layers):
        return []
    return [f"{type(layer).__name__}({_settings(layer)}){_words_of(layer)}" for layer in layers]


def _words_of(layer: keras.Layer) -> str:
    return f" with the words of {layer.name}.json" if hasattr(layer, "get_vocabulary") else ""


def _settings(layer: keras.Layer) -> str:
    """Return a layer's settings that are numbers, words or flags, as text."""
    config = {key: value for key, value in layer.get_config().items() if key not in ("name", "dtype", "trainable")}
    return ", ".join(f"{key}={value!r}" for key, value in config.items() if isinstance(value, int | float | str))


def _image_steps(model: Servable) -> tuple[str, ...]:
    if not takes_images(model.raw_spec):
        return ()
    channels = {1: "grey, 1 channel", 3: "RGB, 3 channels"}[model.raw_spec.shape[-1] or 3]
    steps = [f"a JPEG or PNG file: decode it to uint8 pixels [height, width, channels] ({channels})"]
    if model.resize is not None:
        steps.append(f"resize the pixels: {model.resize.key}")
    return tuple(steps)


def ports_of(entry: Entry, batch: int | None) -> tuple[Port, tuple[Port, ...]]:
    """Return the input and the outputs of a model from an entry on, without computing it."""
    concrete = function_of(entry, batch)
    outputs = concrete.structured_outputs
    found = [Port(name, value.dtype.name, tuple(value.shape)) for name, value in sorted(outputs.items())]
    return Port("inputs", entry.spec.dtype, (batch, *entry.spec.shape)), tuple(found)


def function_of(entry: Entry, batch: int | None) -> Any:
    """Return the concrete function from `inputs` to the outputs by name, in inference mode."""
    spec = tf.TensorSpec((batch, *entry.spec.shape), entry.spec.dtype, name="inputs")

    def serve(inputs: Any) -> dict[str, Any]:
        return {name: tf.identity(value, name=name) for name, value in entry.predict(inputs).items()}

    return tf.function(serve, autograph=False).get_concrete_function(spec)
