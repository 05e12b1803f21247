"""Segmentation: one class per pixel."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any

import keras
import numpy as np
from keras import ops
from pydantic import Field

from dlkit.catalog.create import locate
from dlkit.components.layers.crop_like import cropped
from dlkit.components.metrics._on_probabilities import best_class, on_probabilities, probabilities
from dlkit.components.metrics.dice_coefficient import DiceCoefficient
from dlkit.components.metrics.jaccard_index import JaccardIndex
from dlkit.components.metrics.pixel_accuracy import PixelAccuracy
from dlkit.components.tasks._class_weights import check_weights, weights_of
from dlkit.errors import InputError
from dlkit.figures.segmentation import class_colours, segmentation_figure
from dlkit.formatting import percent
from dlkit.interfaces.data import VOID, Description
from dlkit.interfaces.task import Examined, Report, TargetSpec, Task, main_output, with_added

SHOWN = 4


@dataclass(frozen=True, kw_only=True)
class Segmentation(Task):
    """Predicts one class per pixel: targets are masks of class indices, outputs are probability maps per class.

    A network with one channel (sigmoid) separates the second of two classes from the first at `threshold`. The default
    loss is pixel-wise cross-entropy, binary or categorical (deck 003); SoftDice and CrossEntropyDice are the other
    losses of the deck. `class_weights`, a list or a mapping by class name, weight the pixels in the loss; void pixels
    (label 255) are ignored everywhere. `fully_convolutional` makes Flatten and Dense layers an error, so that the
    network takes images of any size. `loss` replaces the default, `metrics` adds to accuracy, dice and iou.
    """

    loss: Any = None
    loss_weights: dict[str, float] = field(default_factory=dict)
    metrics: list = field(default_factory=list)
    class_weights: list[Annotated[float, Field(ge=0)]] | dict[str, Annotated[float, Field(ge=0)]] | None = None
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    fully_convolutional: bool = False

    monitor = "val_dice"
    moves_targets = True
    predicts_classes = True

    def target_spec(self, description: Description) -> TargetSpec:
        """Return one probability per pixel and class; raise InputError if the data has no masks of classes."""
        names = description.class_names
        if not names or len(description.targets.shape) != 2:
            raise InputError(
                "task segmentation needs a mask of class indices for every image",
                "use a source with masks, such as image_mask_folder, or declared with masks: true",
            )
        if len(names) > VOID:
            raise InputError(f"the data has {len(names)} classes of pixels", f"a mask can represent at most {VOID}")
        check_weights(self.class_weights, description, "task.segmentation.class_weights")
        return TargetSpec((*description.targets.shape, len(names)), names)

    def fitted(self, class_names: tuple[str, ...], counts: Sequence[int]) -> "Segmentation":
        """Return the task with a number for the weight of every class."""
        del counts
        weights = self.class_weights and weights_of(self.class_weights, class_names, "")
        return replace(self, class_weights=weights)

    def check(self, network: keras.Model, targets: TargetSpec) -> None:
        """Raise InputError unless the output is (height, width, classes), or one channel for two classes."""
        shape, classes = tuple(main_output(network.output).shape[1:]), len(targets.class_names)
        if len(shape) != 3 or not (shape[-1] == classes or (classes == 2 and shape[-1] == 1)):
            allowed = f"[height, width, {classes}]" + (" or [height, width, 1]" if classes == 2 else "")
            raise InputError(
                f"the last layer returns {list(shape)} for {classes} classes of pixels",
                f"allowed: {allowed}; use a convolution with that many filters as the last layer",
            )
        for layer in network.layers if self.fully_convolutional else ():
            if type(layer).__name__ in ("Flatten", "Dense"):
                raise InputError(
                    f"{type(layer).__name__} layer {layer.name!r} in a fully convolutional network",
                    "use a convolution instead (Dense with n units is Conv2D with n filters), "
                    "or remove fully_convolutional",
                    location=locate(layer),
                )

    def prepare_targets(self, targets: Any, inputs: Any, network: keras.Model) -> Any:
        """Return class indices (n, h, w) as one-hot (n, h, w, classes), or as 0/1 (n, h, w, 1) for one channel."""
        dtype, channels = keras.config.floatx(), main_output(network.output).shape[-1]
        labels = ops.cast(targets, "int32")
        if channels == 1:
            return ops.cast(ops.expand_dims(labels == 1, -1), dtype)
        return ops.one_hot(labels, channels, dtype=dtype)

    def sample_weights(self, targets: Any, hidden: Any) -> Any:
        """Return pixel weights with mean 1 and 0 for void pixels, so that a loss is the mean over valid pixels."""
        labels = ops.cast(targets, "int32")
        valid = ops.cast(labels != VOID, keras.config.floatx())
        if isinstance(self.class_weights, list):
            table = ops.convert_to_tensor(self.class_weights, keras.config.floatx())
            valid *= ops.take(table, ops.minimum(labels, len(self.class_weights) - 1))
        return ops.divide_no_nan(valid, ops.mean(valid))

    def loss_for(self, network: keras.Model) -> Any:
        """Return the recipe's loss, or cross-entropy."""
        if self.loss is not None:
            return self.loss
        binary = main_output(network.output).shape[-1] == 1
        return keras.losses.BinaryCrossentropy() if binary else keras.losses.CategoricalCrossentropy()

    def metrics_for(self, network: keras.Model) -> list[Any]:
        """Return pixel accuracy, Dice (of the second class for one channel, else the mean), and mean IoU."""
        channels = main_output(network.output).shape[-1]
        classes, one = max(2, channels), channels == 1
        cut = {"classes": classes, "threshold": self.threshold if one else None}
        dice = DiceCoefficient(class_id=1 if one else None, **cut)
        measured = with_added([PixelAccuracy(**cut), dice, JaccardIndex(**cut)], self.metrics)
        return [*map(on_probabilities, measured)] if self.from_logits else measured

    def outputs(self, output: Any) -> dict[str, Any]:
        """Return `probabilities` (n, h, w, classes) and `mask`, class indices uint8 (n, h, w)."""
        if self.from_logits:
            output = probabilities(output)
        if output.shape[-1] == 1:
            mask = ops.cast(output[..., 0] > self.threshold, "uint8")
            return {"probabilities": ops.concatenate([1 - output, output], axis=-1), "mask": mask}
        return {"probabilities": output, "mask": ops.cast(best_class(output), "uint8")}

    def describe_prediction(self, outputs: Mapping[str, Any], class_names: tuple[str, ...]) -> dict[str, Any]:
        """Return the share of pixels of every class."""
        counts = np.bincount(np.ravel(outputs["mask"]), minlength=len(class_names))
        shares = counts / max(1, counts.sum())
        return {"shares": dict(zip(class_names, map(float, shares), strict=True))}

    def prediction_columns(self, described: Mapping[str, Any]) -> dict[str, str]:
        """Return the shares of pixels by class in one cell."""
        return {"share of pixels": ", ".join(f"{name} {percent(part)}" for name, part in described["shares"].items())}

    def picture(self, outputs: Mapping[str, Any], class_names: tuple[str, ...]) -> Any:
        """Return the mask as a palette image: pixels are class indices, shown in the class colours."""
        from PIL import Image, ImageColor

        mask = np.asarray(outputs["mask"], np.uint8)
        picture = Image.frombytes("P", mask.shape[::-1], mask.tobytes())
        picture.putpalette([value for name in class_colours(len(class_names)) for value in ImageColor.getrgb(name)])
        return picture

    def report(self, batches: Iterable[Examined], class_names: tuple[str, ...]) -> Report:
        """Return accuracy, Dice, IoU and pixels per class, and a figure of the first images with their errors.

        The error of an image is the share of wrong pixels.
        """
        counts = np.zeros((len(class_names), len(class_names)), np.int64)
        shown: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        errors: list[float] = []
        for batch in batches:
            predicted = batch.outputs["mask"]
            size = predicted.shape[1:3]
            truth, images = (np.asarray(cropped(array, *size)) for array in (batch.targets, batch.inputs))
            valid = truth != VOID
            wrong = ((predicted != truth) & valid).sum(axis=(1, 2))
            errors += list(wrong / np.maximum(valid.sum(axis=(1, 2)), 1))
            pairs = truth[valid].astype(np.int64) * len(class_names) + predicted[valid]
            counts += np.bincount(pairs, minlength=counts.size).reshape(counts.shape)
            shown += list(zip(images, truth, predicted, strict=True))[: SHOWN - len(shown)]
        figures = {"segmentation": partial(segmentation_figure, shown, class_names)}
        return Report(_table(counts, class_names), figures, answers={"error": np.array(errors)})


def _table(counts: np.ndarray, class_names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return rows by class from counts (true class, predicted class); NaN for classes neither true nor predicted."""
    both, there, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)

    def share(part: int, whole: int) -> float:
        return float(part / whole) if whole else float("nan")

    return [
        {
            "class": name,
            "accuracy": share(both[i], there[i]),
            "dice": share(2 * both[i], there[i] + predicted[i]),
            "iou": share(both[i], there[i] + predicted[i] - both[i]),
            "pixels": int(there[i]),
        }
        for i, name in enumerate(class_names)
    ]
