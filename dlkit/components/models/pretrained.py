"""Transfer learning: an existing network without its head, and a new head on top."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import keras
from pydantic import Field

from dlkit.catalog.applications import Application
from dlkit.components.layers._stack import stack
from dlkit.components.models._backbone import backbone_of
from dlkit.components.models._image_classifier import check_image
from dlkit.components.models._imagenet import available, imagenet_file
from dlkit.components.models._weight_files import load_weight_file
from dlkit.errors import InputError, keras_reason
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.model import SourceLayers, set_start_weights
from dlkit.interfaces.task import TargetSpec

_WITH_ALPHA = ("MobileNet", "MobileNetV2", "MobileNetV3Small", "MobileNetV3Large")


def pretrained(
    inputs: ArraySpec,
    targets: TargetSpec,
    *,
    head: list,
    backbone: Application | None = None,
    weights: str | dict | None = None,
    alpha: Annotated[float, Field(gt=0)] | None = None,
    pooling: Literal["avg", "max"] | None = None,
) -> keras.Model:
    """Build a network without its original head, as one nested model `backbone`, with the layers of `head` on top.

    backbone: one of keras.applications, with its own `alpha` (the width of MobileNets) and `pooling`. weights:
    `imagenet` (Keras' own file, from its cache or downloaded), the path of a weight file for this backbone without its
    top, or {run: RUN, upto: LAYER} for the first layers of another run's network instead of a backbone; without
    weights, the backbone starts from random values. Weights are read when training begins. A backbone with weights
    always runs in inference mode, even in fine-tuning: batch norm keeps its statistics while its scale and shift may be
    trained, and its dropout is off. Groups for `trainable` and `learning_rates` are `backbone`, its blocks (such as
    `block5`) and `head`.
    """
    del targets
    if isinstance(weights, SourceLayers):
        _refuse_beside_run({"backbone": backbone, "alpha": alpha, "pooling": pooling})
        model, load = weights.build()
    else:
        assert not isinstance(weights, dict)  # the layers of a run have been built before
        model, load = _of_application(inputs, backbone, weights, _given(backbone, alpha=alpha, pooling=pooling))
    network_input = keras.Input(inputs.shape, dtype=inputs.dtype, name="inputs")
    network = keras.Model(network_input, stack(_named(head), model(network_input)))
    if load is not None:
        set_start_weights(network, load)
    return network


Loaded = tuple[keras.Model, Callable[[], None] | None]


def _of_application(inputs: ArraySpec, backbone: Any, weights: str | None, settings: dict[str, Any]) -> Loaded:
    """Return a network of keras.applications and the function that loads its weights."""
    if backbone is None:
        raise InputError("pretrained has no backbone", "give one, such as backbone: VGG16, or weights: {run: ...}")
    check_image(inputs, backbone)
    settings["input_shape"] = inputs.shape
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # without the top, any input size will do
            net = getattr(keras.applications, backbone)(weights=None, include_top=False, **settings)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{backbone} cannot take images of shape {list(inputs.shape)}: {keras_reason(error)}",
            "use images of another size, or resize them with data.resize",
        ) from error
    if weights == "imagenet" and inputs.shape[-1] != 3:
        raise InputError(f"ImageNet weights need 3 channels, but the images have {inputs.shape[-1]}", "use 3 channels")
    model = backbone_of(net.inputs[0], net.outputs[0], pretrained=weights is not None)
    if weights is None:
        return model, None

    def load() -> None:
        published = weights == "imagenet"
        path = available(imagenet_file(backbone, settings), net) if published else Path(weights).expanduser()
        load_weight_file(net, path)

    return model, load


def _refuse_beside_run(others: dict[str, Any]) -> None:
    if given := [name for name, value in others.items() if value is not None]:
        raise InputError(f"{given[0]} and weights: {{run: ...}} exclude each other", f"remove {given[0]}")


def _given(backbone: str | None, alpha: float | None, pooling: str | None) -> dict[str, Any]:
    """Return the settings to pass to the application."""
    if alpha is not None and backbone not in _WITH_ALPHA:
        raise InputError(f"{backbone} has no alpha", f"alpha exists for: {', '.join(_WITH_ALPHA)}")
    return {key: value for key, value in {"alpha": alpha, "pooling": pooling}.items() if value is not None}


def _named(head: list) -> list:
    """Rename the head's layers to head_dense, head_dense_1 and so on, or to head_ plus the name in the recipe."""
    taken: dict[str, int] = {}
    for layer in head:
        kind = keras.src.utils.naming.to_snake_case(type(layer).__name__)
        own = re.fullmatch(rf"{kind}(_\d+)?", layer.name) is None
        name = layer.name if own else kind
        count = taken[name] = taken.get(name, -1) + 1
        layer.name = f"head_{name}" + (f"_{count}" if count else "")
    return head
