"""Examples and layers of a trained run, as several kinds of pictures need them. TensorFlow has started."""

from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.errors import InputError, closest
from dlkit.figures.images import is_image

if TYPE_CHECKING:
    from dlkit.interfaces.data import Split
    from dlkit.model.trained import TrainedModel


def split_of(run: "TrainedModel", split: str | None) -> tuple[str, "Split"]:
    """Return a split with its name: the given one, or validation, or train where the recipe holds nothing out."""
    from dlkit.model.splits import read_split

    name = split or ("train" if run.loaded.recipe.data.validation == "none" else "validation")
    return name, read_split(run, name)


def example_of(run: "TrainedModel", split: str | None, number: int) -> tuple[str, np.ndarray]:
    """Return the name of a split and one of its images (height, width, channels), raw but resized."""
    name, data = split_of(run, split)
    check_images(data)
    if not 0 <= number < len(data):
        raise InputError(f"--example {number} is not in {name}", f"it has the examples 0 to {len(data) - 1}")
    return name, np.asarray(data.inputs[number : number + 1])[0]


def check_images(data: "Split") -> None:
    """Raise InputError unless the examples of a split are images."""
    shape = tuple(data.inputs.shape[1:])
    if not is_image(shape):
        raise InputError(f"the examples have the shape {list(shape)} and are no images", "choose a run on images")


def layer_named(layers: list[Any], name: str | None, default: Any, needs: str) -> Any:
    """Return a layer by its name, or the first one for which `default` is true; raise InputError without one."""
    fitting = [layer for layer in layers if default(layer)]
    names = [layer.name for layer in fitting]
    if name is None:
        if not fitting:
            raise InputError(f"the network has no layer with {needs}", "choose another run")
        return fitting[0]
    if name not in names:
        raise InputError(f"--layer {name!r} is not a layer with {needs}", closest(name, names))
    return fitting[names.index(name)]


def outputs_of(run: "TrainedModel", layers: list[Any], inputs: np.ndarray) -> list[np.ndarray]:
    """Return what layers give for raw examples, each (n, ...), computed in batches."""
    import keras

    from dlkit.analysis.layers import outputs_where_called

    model = keras.Model(run.built.network.inputs, [outputs_where_called(layer)[0] for layer in layers])
    parts = []
    for start in range(0, len(inputs), 128):
        x = run.built.preprocess(np.asarray(inputs[start : start + 128]), training=False)
        found = model(x, training=False)
        parts.append([np.asarray(item) for item in (found if isinstance(found, list | tuple) else [found])])
    return [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]
