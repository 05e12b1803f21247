"""A network that is there already, without its head, and a new head on top: transfer learning."""

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
    """A network without its head, one nested model called `backbone`, and the layers of `head` on top of it.

    backbone: one of keras.applications, with its own `alpha` (the width of MobileNets) and `pooling`. weights:
    `imagenet` (Keras' own file, from its cache or downloaded), the path of a weight file for this backbone without its
    top, or {run: RUN, upto: LAYER} for the first layers of another run's network, in place of a backbone; left out, the
    backbone starts from random weights. Weights are read when a training begins. A backbone with weights is always in
    inference mode, in fine-tuning too: batch norm keeps its statistics while its scale and shift may be trained, and
    dropout in it is off. Groups for `trainable` and `learning_rates` are `backbone`, its own blocks (such as `block5`)
    and `head`.
    """
    del targets
    if isinstance(weights, SourceLayers):
        _refuse_beside_run({"backbone": backbone, "alpha": alpha, "pooling": pooling})
        model, load = weights.build()
    else:
        assert not isinstance(weights, dict)  # the program has built the layers of a run
        model, load = _of_application(inputs, backbone, weights, _given(backbone, alpha=alpha, pooling=pooling))
    network_input = keras.Input(inputs.shape, dtype=inputs.dtype, name="inputs")
    network = keras.Model(network_input, stack(_named(head), model(network_input)))
    if load is not None:
        set_start_weights(network, load)
    return network


Loaded = tuple[keras.Model, Callable[[], None] | None]


def _of_application(inputs: ArraySpec, backbone: Any, weights: str | None, settings: dict[str, Any]) -> Loaded:
    """A net of keras.applications, and how its weights are read."""
    if backbone is None:
        raise InputError("pretrained has no backbone", "name one, such as backbone: VGG16, or weights: {run: ...}")
    check_image(inputs, backbone)
    settings["input_shape"] = inputs.shape
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # other sizes than the pretrained one are fine without the top
            net = getattr(keras.applications, backbone)(weights=None, include_top=False, **settings)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{backbone} cannot take images of shape {list(inputs.shape)}: {keras_reason(error)}",
            "give images of another size, or data.resize them",
        ) from error
    if weights == "imagenet" and inputs.shape[-1] != 3:
        raise InputError(f"ImageNet weights are for 3 channels, the images have {inputs.shape[-1]}", "use 3 channels")
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
        raise InputError(f"{given[0]} and weights: {{run: ...}} exclude one another", f"remove {given[0]}")


def _given(backbone: str | None, alpha: float | None, pooling: str | None) -> dict[str, Any]:
    """The settings that the application itself takes."""
    if alpha is not None and backbone not in _WITH_ALPHA:
        raise InputError(f"{backbone} has no alpha", f"these have one: {', '.join(_WITH_ALPHA)}")
    return {key: value for key, value in {"alpha": alpha, "pooling": pooling}.items() if value is not None}


def _named(head: list) -> list:
    """The head's layers, called head_dense, head_dense_1 and so on, or head_ and the name that the recipe gives."""
    taken: dict[str, int] = {}
    for layer in head:
        kind = keras.src.utils.naming.to_snake_case(type(layer).__name__)
        own = re.fullmatch(rf"{kind}(_\d+)?", layer.name) is None
        name = layer.name if own else kind
        count = taken[name] = taken.get(name, -1) + 1
        layer.name = f"head_{name}" + (f"_{count}" if count else "")
    return head
