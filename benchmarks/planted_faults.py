"""Plant faults into exports, and count how often the certificate fails and names the layer.

python benchmarks/planted_faults.py [FORMAT...]    (saved_model, onnx, litert and openvino by default)

Five faults of converters, each in every format: a wrong epsilon in a batch norm, another padding in a convolution, the
preprocessing applied twice, the weights of one layer rounded to float16, two channels swapped.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

RECIPE = """
recipe: 1
name: planted
task: classification
data:
  source: digits
  validation: {fraction: 0.1, seed: 0}
  preprocess: [{Rescaling: {scale: 1/16}}]
model:
  sequential:
    layers:
      - Conv2D: {filters: 8, kernel_size: 3, padding: same, name: conv_1}
      - BatchNormalization: {name: norm_1}
      - ReLU
      - Conv2D: {filters: 8, kernel_size: 3, padding: same, activation: relu, name: conv_2}
      - BatchNormalization: {name: norm_2}
      - Conv2D: {filters: 4, kernel_size: 3, padding: same, activation: relu, name: conv_3}
      - Flatten
      - Dense: {units: 16, activation: relu, name: dense_1}
      - Dense: {units: 10, activation: softmax, name: dense_2}
training: {batch_size: 64, epochs: 2, seed: 0, optimizer: {Adam: {learning_rate: 0.01}}}
"""
FORMATS = ("saved_model", "onnx", "litert", "openvino")


@dataclass(frozen=True)
class Fault:
    """A fault in one layer: another layer in its place, or other weights."""

    title: str
    layer: str
    instead: Callable | None = None
    weights: Callable | None = None


def faults():
    """The five faults; TensorFlow must have started."""
    import keras

    class Reflecting(keras.layers.Conv2D):
        """A convolution that mirrors its input at the border instead of adding zeros."""

        def call(self, inputs):
            padded = keras.ops.pad(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="reflect")
            found = keras.ops.conv(padded, self.kernel, 1, "valid") + self.bias
            return self.activation(found)

    def doubled(layer):
        return keras.layers.Rescaling(layer.scale**2, layer.offset, name=layer.name)

    def wrong_epsilon(layer):
        return keras.layers.BatchNormalization.from_config(layer.get_config() | {"epsilon": 0.05})

    def swapped(weights):
        return [weights[0][:, :, [1, 0, *range(2, weights[0].shape[2])]], *weights[1:]]

    return [
        Fault("epsilon", "norm_2", wrong_epsilon),
        Fault("padding", "conv_2", lambda layer: Reflecting.from_config(layer.get_config())),
        Fault("preprocessing doubled", "rescaling", doubled),
        Fault("weights in float16", "dense_1", weights=lambda weights: [w.astype("float16") for w in weights]),
        Fault("channels swapped", "conv_3", weights=swapped),
    ]


def planted(exporter, fault):
    """An exporter that writes the artefacts of another, of a network with the fault."""

    class Planted(type(exporter)):
        def write(self, model, folder, examples):
            parts = {part: with_fault(getattr(model, part), fault) for part in ("preprocess", "network")}
            return super().write(replace(model, **parts), folder, examples)

    return Planted()


def with_fault(model, fault):
    """A copy of a model that has the fault if it has the layer."""
    import keras

    if not any(layer.name == fault.layer for layer in model.layers):
        return model

    def clone(layer):
        changed = fault.instead is not None and layer.name == fault.layer
        return fault.instead(layer) if changed else layer.__class__.from_config(layer.get_config())

    copy = keras.models.clone_model(model, clone_function=clone)
    for layer in model.layers:
        weights = layer.get_weights()
        changed = fault.weights is not None and layer.name == fault.layer
        copy.get_layer(layer.name).set_weights(fault.weights(weights) if changed else weights)
    return copy


def found_layer(trained, format_name, fault, folder):
    """The layer that the certificate of an export with a fault names, or why it does not."""
    from unittest.mock import patch

    from dlkit.export import certificate, export, localise

    exporter = planted(certificate.exporter_of(format_name), fault)
    with (
        patch.object(certificate, "exporter_of", lambda _: exporter),
        patch.object(export, "exporter_of", lambda _: exporter),
        patch.object(localise, "exporter_of", lambda _: exporter),
    ):
        try:
            export.export(trained, format_name, folder)
        except certificate.CertificateError as error:
            found = error.certificate["diverges"]
            return (found or {"layer": "no layer"})["layer"], found
    return "passed", None


def trained_network(folder):
    """The small network, trained for two epochs on the digits."""
    from dlkit.interfaces.reporter import Reporter
    from dlkit.model.trained import open_run
    from dlkit.recipe import load_recipe
    from dlkit.training.run import train_recipe

    path = Path(folder) / "planted.yaml"
    path.write_text(RECIPE)
    return open_run(train_recipe(load_recipe(str(path)), Path(folder) / "runs", Reporter()).run)


def main(formats):
    """Plant every fault in every format; print what is named, and exit with 1 unless all are right."""
    from dlkit.machine.tensorflow import start_tensorflow

    start_tensorflow()
    right = tried = 0
    with tempfile.TemporaryDirectory() as folder:
        trained = trained_network(folder)
        for format_name in formats:
            for fault in faults():
                layer, found = found_layer(trained, format_name, fault, Path(folder) / "out")
                right, tried = right + (layer == fault.layer), tried + 1
                sizes = f"{found['before']:.1e} before, {found['after']:.1e} after" if found else ""
                where = f"planted in {fault.layer:10} named {layer:10}"
                print(f"{format_name:12} {fault.title:22} {where} {sizes}", flush=True)
    print(f"{right} of {tried} named")
    return int(right < tried)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or FORMATS))
