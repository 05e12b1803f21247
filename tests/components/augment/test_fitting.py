"""What an augmentation cannot be used on is an error at its line, before anything is trained."""

import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.recipe import load_recipe
from dlkit.training.check import check_build
from dlkit.training.run import train_recipe

ROWS = "{inline: {rows: [[1, 2, 0], [2, 3, 1], [3, 4, 0], [4, 5, 1]], classes: 2}}"
VALUES = "{inline: {rows: [[1, 2, 0.5], [2, 3, 1.5], [3, 4, 0.1]]}}"

RECIPE = """
recipe: 1
name: mixed
task: {task}
data:
  source: {source}
  augment: [{augment}]
  preprocess: [{{Rescaling: {{scale: 1/255}}}}]
model: {{sequential: {{layers: [Flatten, {{Dense: {{units: {units}, activation: {activation}}}}}]}}}}
training: {{epochs: 10, optimizer: {{Adam: {{learning_rate: 0.02}}}}}}
"""


def recipe(tmp_path, augment, source="digits", task="classification", units=10, activation="softmax"):
    path = tmp_path / "mixed.yaml"
    path.write_text(RECIPE.format(augment=augment, source=source, task=task, units=units, activation=activation))
    return load_recipe(path)


@pytest.mark.parametrize(
    "augment", ["random_crop", "cutmix", "{cutout: {size: 2}}", "random_affine", "alternating_flip"]
)
def test_rows_of_numbers_are_no_images(tmp_path, augment):
    with pytest.raises(
        InputError, match=r"needs images \[height, width, channels\], but the data has the shape \[2\]"
    ) as e:
        check_build(recipe(tmp_path, augment, ROWS, units=2))
    assert (e.value.problems[0].location.line, e.value.problems[0].hint) == (7, "remove it")


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ({"source": VALUES, "task": "regression", "units": 1}, "task regression has none", "remove it"),
        ({"source": ROWS, "units": 1, "activation": "sigmoid"}, "one unit for two classes", "2 units and softmax"),
    ],
)
def test_what_is_mixed_has_classes_with_a_unit_each(tmp_path, settings, message, hint):
    with pytest.raises(InputError, match=message) as e:
        check_build(recipe(tmp_path, "mixup", **settings))
    assert e.value.problems[0].location.line == 7
    assert hint in e.value.problems[0].hint


@pytest.mark.parametrize("augment", ["time_shift", "gain", "noise", "spec_augment"])
def test_digits_are_no_recordings(tmp_path, augment):
    kind = r"preprocessed inputs \[frames, features\]" if augment == "spec_augment" else r"recordings \[samples\]"
    with pytest.raises(InputError, match=rf"{augment} needs {kind}, but these are \w+ of shape \[8, 8, 1\]") as e:
        check_build(recipe(tmp_path, augment))
    assert (e.value.problems[0].location.line, e.value.problems[0].hint) == (7, "remove it")


def test_a_network_learns_rows_from_their_means(tmp_path):
    check_build(recipe(tmp_path, "mixup", ROWS, units=2))


@pytest.mark.parametrize("augment", ["cutmix", "{mixup: {alpha: 1}}"])
def test_a_network_learns_digits_from_mixed_ones(tmp_path, reporter, augment):
    """A linear classifier of the digits as they are, learnt from mixed ones alone, which it cannot fit."""
    from dlkit.evaluation.evaluate import evaluate
    from dlkit.model.trained import open_run

    result = train_recipe(recipe(tmp_path, augment), tmp_path, reporter)
    found = evaluate(open_run(result.run), "test")
    assert found["accuracy"] > 0.9
    assert result.metrics["accuracy"] < found["accuracy"] - 0.03
    assert np.isfinite(found["loss"])
