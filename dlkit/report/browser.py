"""Write a small network so that a page can run it: its layers as settings, and its weights as float32 in base64.

templates/network.js has the forward pass of every layer in LAYERS.
"""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from dlkit.errors import DlkitError, InputError
from dlkit.export.stored import load_samples
from dlkit.figures.images import is_image
from dlkit.formatting import first_few
from dlkit.interfaces.task import main_output
from dlkit.model.trained import TrainedModel

MOST_WEIGHTS, EXAMPLES = 500_000, 12
ACTIVATIONS = (
    *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "softplus", "softsign"),
    *("sigmoid", "tanh", "softmax", "silu", "exponential", "hard_sigmoid"),
)
Described = tuple[dict[str, Any], list[np.ndarray]]


def network_of(trained: TrainedModel) -> dict[str, Any]:
    """Return layers, weights, classes and a few examples for the page.

    Raises InputError, with the names of the layers, where the page cannot run the network.
    """
    shape, classes = trained.built.preprocess.input.shape[1:], trained.built.class_names
    if trained.built.scores is None or None in shape or not is_image(tuple(size or 0 for size in shape)):
        hint = "write the page without --with-model"
        raise InputError("only a classifier of images of one size can run in a page", hint)
    described = [part for layer in _in_a_row(trained) for part in _described(layer)]
    weights = [array for _, arrays in described for array in arrays]
    if sum(array.size for array in weights) > MOST_WEIGHTS:
        raise InputError(
            f"the network has more than {MOST_WEIGHTS:,} weights", "write the page without --with-model, or export it"
        )
    examples = _examples(trained)
    flat = np.concatenate([np.ravel(array).astype("<f4") for array in weights] or [np.zeros(0, "<f4")])
    return {
        "shape": list(shape),
        "classes": list(classes),
        "logits": trained.built.task.from_logits,
        "layers": [settings for settings, _ in described],
        "weights": base64.b64encode(flat.tobytes()).decode(),
        "peak": 255 if not examples or max(map(max, examples)) > 1 else 1,
        "examples": examples,
    }


def _examples(trained: TrainedModel) -> list[list[float]]:
    """Return the values of a few raw held-out examples."""
    try:
        samples = load_samples(trained.run)[:EXAMPLES]
    except DlkitError:
        return []
    return [[round(float(value), 6) for value in np.ravel(sample)] for sample in samples]


def _in_a_row(trained: TrainedModel) -> list[Any]:
    """Return all layers from raw input to output; raise InputError unless each takes what the one before it gives."""
    found = []
    for model in (trained.built.preprocess, trained.built.network):
        layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
        before = model.inputs[0]
        for layer in layers:
            if layer.input is not before or isinstance(layer.output, list | tuple | dict):
                raise InputError(
                    f"{layer.name} has not the layer before it as its only input",
                    "only networks whose layers follow one after another run in a page: omit --with-model",
                )
            before = layer.output
        if layers and main_output(model.output) is not before:
            raise InputError("the network has several outputs", "omit --with-model")
        found += layers
    unknown = sorted({type(layer).__name__ for layer in found if _problem(layer)})
    if unknown:
        raise InputError(
            f"a page cannot run {first_few(unknown, 5)}",
            f"it runs {', '.join(sorted({*LAYERS, *SKIPPED}))}; omit --with-model",
        )
    return found


def _problem(layer: Any) -> bool:
    """Return whether a layer, its activation or its layout is not one that the page knows."""
    kind, settings = type(layer).__name__, layer.get_config()
    activation = settings.get("activation", "linear") or "linear"
    known = kind in SKIPPED or kind in LAYERS
    last_channels = settings.get("data_format", "channels_last") in (None, "channels_last")
    return not (known and last_channels and activation in ACTIVATIONS and settings.get("groups", 1) == 1)


def _described(layer: Any) -> Iterator[Described]:
    """Yield the settings and weights of a layer, then its activation as a layer of its own."""
    kind, settings = type(layer).__name__, layer.get_config()
    if kind in SKIPPED:
        return
    own, weights = LAYERS[kind](layer, settings)
    shapes = [list(array.shape) for array in weights]
    yield {"kind": own.pop("kind", kind), **own, "shapes": shapes}, weights
    activation = settings.get("activation") if kind != "Activation" else None
    if activation not in (None, "linear"):
        yield {"kind": "Activation", "activation": activation, "shapes": []}, []


def _weights(layer: Any) -> list[np.ndarray]:
    return [np.asarray(weight) for weight in (layer.kernel, layer.bias) if weight is not None]


def _rescaling(layer: Any, settings: dict[str, Any]) -> Described:
    channels = layer.output.shape[-1]
    scale, offset = (np.broadcast_to(np.asarray(settings[key], float), channels) for key in ("scale", "offset"))
    return {"kind": "Affine"}, [scale, offset]


def _normalization(layer: Any, settings: dict[str, Any]) -> Described:
    del settings
    shape = layer.output.shape[1:]
    mean = np.broadcast_to(np.asarray(layer.mean), (1, *shape)).ravel()
    spread = np.broadcast_to(np.maximum(np.sqrt(np.asarray(layer.variance)), 1e-7), (1, *shape)).ravel()
    return {"kind": "Affine"}, [1 / spread, -mean / spread]


def _batch_normalization(layer: Any, settings: dict[str, Any]) -> Described:
    scale = 1 / np.sqrt(np.asarray(layer.moving_variance, float) + settings["epsilon"])
    scale = scale * np.asarray(layer.gamma) if settings["scale"] else scale
    offset = -np.asarray(layer.moving_mean) * scale
    return {"kind": "Affine"}, [scale, offset + np.asarray(layer.beta) if settings["center"] else offset]


def _convolution(layer: Any, settings: dict[str, Any]) -> Described:
    return {key: settings[key] for key in ("strides", "padding", "dilation_rate")}, _weights(layer)


def _pooling(layer: Any, settings: dict[str, Any]) -> Described:
    kind = "max" if "Max" in type(layer).__name__ else "mean"
    sizes = settings if "pool_size" in settings else {"pool_size": layer.input.shape[1:3], "padding": "valid"}
    strides = sizes.get("strides") or sizes["pool_size"]
    found = {"kind": "Pooling", "of": kind, "size": list(sizes["pool_size"]), "strides": list(strides)}
    return found | {"padding": sizes["padding"]}, []


def _activation(layer: Any, settings: dict[str, Any]) -> Described:
    kind = type(layer).__name__
    own = {"Activation": settings.get("activation"), "Softmax": "softmax", "ReLU": "relu", "LeakyReLU": "leaky_relu"}
    return {"kind": "Activation", "activation": own[kind], "slope": settings.get("negative_slope")}, []


def _plain(layer: Any, settings: dict[str, Any]) -> Described:
    del settings
    return {}, _weights(layer) if hasattr(layer, "kernel") else []


SKIPPED = ("Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "Identity", "ActivityRegularization")
LAYERS: dict[str, Callable[[Any, dict[str, Any]], Described]] = {
    "Activation": _activation,
    "AveragePooling2D": _pooling,
    "BatchNormalization": _batch_normalization,
    "Conv2D": _convolution,
    "Dense": _plain,
    "Flatten": _plain,
    "GlobalAveragePooling2D": _pooling,
    "GlobalMaxPooling2D": _pooling,
    "LeakyReLU": _activation,
    "MaxPooling2D": _pooling,
    "Normalization": _normalization,
    "ReLU": _activation,
    "Rescaling": _rescaling,
    "Softmax": _activation,
}
