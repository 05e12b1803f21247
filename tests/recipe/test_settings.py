"""Which settings hold components, and which types they take."""

import pytest
from pydantic import ValidationError

from dlkit.catalog.signatures import Parameter
from dlkit.recipe.settings import holds_component, settings_model


@pytest.mark.parametrize(
    ("name", "annotation", "holds"),
    [
        ("activation", "", True),
        ("learning_rate", "Any", True),
        ("learning_rate", "float", False),
        ("learning_rate", "float | Any", True),
        ("kernel_initializer", "str | float", True),
        ("metrics", "list", True),
        ("units", "int", False),
        ("units", "Any", False),
    ],
)
def test_a_component_is_known_by_its_name_unless_it_is_typed_as_a_number(name, annotation, holds):
    assert holds_component(Parameter(name, annotation=annotation)) is holds


def test_names_of_types_and_of_policies_are_left_to_keras():
    dense = settings_model("layer", "Dense")
    assert dense.model_validate({"units": 1, "dtype": {"mixed": 1}}).dtype == {"mixed": 1}
    with pytest.raises(ValidationError):
        dense.model_validate({"units": "1"})


def test_schedules_compute_in_floats():
    decay = settings_model("schedule", "ExponentialDecay")
    assert decay.model_validate({"initial_learning_rate": 1, "decay_steps": 1e5, "decay_rate": 0.5}).decay_steps == 1e5
