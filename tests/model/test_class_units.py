"""`units: classes` is the number of classes of the data, at any depth of a model."""

import pytest

from dlkit.catalog.create import Component
from dlkit.errors import InputError
from dlkit.interfaces.task import TargetSpec
from dlkit.model.class_units import with_class_units
from dlkit.recipe import load_recipe

RECIPE = """
recipe: 1
name: r
task: {task}
data: {{source: {{inline: {{rows: [[0, 1, 0], [1, 0, 1], [1, 1, 2]]{classes}}}}}}}
model:
  sequential:
    layers:
      - Dense: {{units: {units}, activation: softmax}}
training: {{epochs: 1, optimizer: SGD}}
"""


def built(folder, **values):
    from dlkit.data.source import build_dataset, describe
    from dlkit.model.build import build_model

    path = folder / "r.yaml"
    path.write_text(
        RECIPE.format(**({"task": "classification", "classes": ", classes: 3", "units": "classes"} | values))
    )
    recipe = load_recipe(str(path)).recipe
    return build_model(recipe, describe(recipe, build_dataset(recipe)))


def test_the_head_has_one_unit_per_class(tmp_path):
    assert built(tmp_path).network.output.shape == (None, 3)


def test_other_words_are_refused_at_their_place(tmp_path):
    with pytest.raises(InputError, match="expected a whole number, received 'class'"):
        built(tmp_path, units="class")
    with pytest.raises(InputError, match="one unit per class, but the data has values") as caught:
        built(tmp_path, task="regression", classes="")
    assert caught.value.problems[0].location.line == 9


def test_nested_layers_and_other_words():
    dense = Component("layer", "Dense", {"units": "classes", "name": "classes"})
    model = Component(
        "model", "m", {"layers": [{"around": dense}], "head": [Component("layer", "C", {"filters": "classes"})]}
    )
    found = with_class_units(model, TargetSpec((4,), tuple("abcd"))).settings
    assert found["layers"][0]["around"].settings == {"units": 4, "name": "classes"}
    assert found["head"][0].settings == {"filters": 4}
