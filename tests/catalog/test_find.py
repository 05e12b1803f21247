"""Components: what their sources say agrees with what Keras really takes."""

import importlib
import inspect

import pytest

from dlkit.catalog import find as components
from dlkit.catalog.create import Component, create
from dlkit.catalog.find import description, identifiers, load, names, own_names, source
from dlkit.catalog.kinds import NAMESPACES
from dlkit.catalog.signatures import REQUIRED
from dlkit.errors import InputError, Location, RecipeError
from dlkit.recipe.settings import settings_model

OF_KERAS = [
    (namespace, name) for namespace in NAMESPACES for name in names(namespace) if name not in own_names(namespace)
]


def listed(value):
    return [listed(item) for item in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("namespace", [name for name, space in NAMESPACES.items() if space.keras_module])
def test_settings_are_those_of_keras(namespace):
    module = importlib.import_module(NAMESPACES[namespace].keras_module)
    for name in set(names(namespace)) - set(own_names(namespace)):
        real = set(inspect.signature(getattr(module, name).__init__).parameters) - {"self", "args", "kwargs"}
        assert real <= set(source(namespace, name).parameters), name


@pytest.mark.parametrize(("namespace", "name"), OF_KERAS)
def test_defaults_of_keras_are_valid_settings(namespace, name):
    parameters = source(namespace, name).parameters.values()
    fields = settings_model(namespace, name).model_fields
    for parameter in parameters:
        assert fields[parameter.name].is_required() == (parameter.default is REQUIRED)
    given = {item.name: listed(item.default) for item in parameters if item.default is not REQUIRED}
    model = settings_model(namespace, name)
    required = {key: None for key, field in model.model_fields.items() if field.is_required()}
    errors = _errors(model, given | required)
    assert [error for error in errors if error["loc"][0] in given] == []


def _errors(model, data):
    from pydantic import ValidationError

    try:
        model.model_validate(data)
    except ValidationError as error:
        return error.errors()
    return []


@pytest.mark.parametrize(
    ("namespace", "name", "settings"),
    [
        ("layer", "LSTM", {"units": 4}),
        ("layer", "GRU", {"units": 4, "return_sequences": True}),
        ("layer", "Conv1D", {"filters": 4, "kernel_size": 3, "padding": "causal"}),
        ("layer", "Conv2D", {"filters": 4, "kernel_size": [3, 5], "padding": "SAME"}),
        ("layer", "MaxPooling2D", {"pool_size": 2, "strides": None}),
        ("layer", "UpSampling2D", {"size": [2, 2]}),
        ("layer", "ZeroPadding2D", {"padding": [[1, 2], [3, 4]]}),
        ("layer", "Cropping2D", {"cropping": [[0, 1], [0, 1]]}),
        ("layer", "Rescaling", {"scale": [0.1, 0.2, 0.3], "offset": [0, 0, 1]}),
        ("layer", "RandomRotation", {"factor": [-0.1, 0.1]}),
        ("layer", "LayerNormalization", {"axis": [1, 2]}),
        ("layer", "ReLU", {"max_value": 6}),
        ("layer", "Reshape", {"target_shape": [4, 4]}),
        ("schedule", "CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 1e4}),
        ("metric", "Precision", {"thresholds": [0.1, 0.5]}),
        ("callback", "ModelCheckpoint", {"filepath": "a.keras", "save_freq": 10}),
    ],
)
def test_settings_that_keras_takes_are_valid(namespace, name, settings):
    assert _errors(settings_model(namespace, name), settings) == []
    load(namespace, name)(**settings)


@pytest.mark.parametrize(
    ("namespace", "name", "setting", "value"),
    [
        ("layer", "Dense", "units", 0),
        ("layer", "Dense", "units", "64"),
        ("layer", "Dense", "use_bias", "yes"),
        ("layer", "Conv2D", "kernel_size", 0),
        ("layer", "Conv2D", "padding", "smae"),
        ("layer", "Dropout", "rate", 1.1),
        ("layer", "Conv2D", "data_format", "channel_last"),
        ("loss", "MeanSquaredError", "reduction", "summ"),
        ("optimizer", "SGD", "nesterov", 1),
        ("callback", "EarlyStopping", "patience", "3"),
        ("callback", "EarlyStopping", "mode", "minimum"),
        ("callback", "StopAtLoss", "loss", "small"),
        ("dataset", "digits", "test_fraction", 1),
    ],
)
def test_settings_that_no_component_takes_are_refused(namespace, name, setting, value):
    assert any(error["loc"][0] == setting for error in _errors(settings_model(namespace, name), {setting: value}))


def test_words_of_keras_are_known():
    for namespace in ("loss", "metric", "initializer", "regularizer", "constraint"):
        module = importlib.import_module(f"keras.src.{NAMESPACES[namespace].folder}")
        known = {*names(namespace), *identifiers(namespace)}
        base = NAMESPACES[namespace].base
        left_out = {base, base.lower(), "LossFunctionWrapper", "MeanMetricWrapper", "mean_metric_wrapper"}
        assert set(module.ALL_OBJECTS_DICT) - left_out <= known
        assert known.isdisjoint({"get", "serialize", "deserialize"})
    activations = importlib.import_module("keras.src.activations")
    assert set(components.activations()) == set(activations.ALL_OBJECTS_DICT)


def test_names_leave_out_bases_and_what_needs_code():
    layers = names("layer")
    assert {"Dense", "LSTM", "Rescaling"} <= set(layers)
    assert not {"Layer", "Wrapper", "InputLayer", "Lambda", "TFSMLayer"} & set(layers)
    assert not {"Callback", "LambdaCallback", "History"} & set(names("callback"))


def test_a_file_in_a_component_folder_is_a_component(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tower.py").write_text(
        'def tower(inputs, *, depth: int = 3):\n    """A tower. And more."""\n'
    )
    (tmp_path / "models" / "_parts.py").write_text("")
    monkeypatch.setattr("dlkit.catalog.roots.OWN", tmp_path)
    components.forget()
    assert names("model") == ["tower"]
    assert description("model", "tower") == "A tower."
    assert source("model", "tower").parameters["depth"].default == 3
    components.forget()


def test_components_of_dlkit_bear_the_name_of_their_file():
    assert "StopAtLoss" in names("callback")
    assert "stop_at_loss" not in names("callback")
    assert "sequential" in names("model")
    for namespace in NAMESPACES:
        for name in own_names(namespace):
            assert callable(load(namespace, name))


def test_every_component_is_described():
    for namespace in NAMESPACES:
        for name in names(namespace):
            assert description(namespace, name), (namespace, name)


def test_load_names_the_nearest():
    with pytest.raises(InputError) as raised:
        load("layer", "Dens")
    assert raised.value.problems[0].hint.startswith("did you mean 'Dense'?")


def test_create_builds_nested_components_first():
    cell = Component("layer", "LSTM", {"units": 4, "activation": "relu"})
    layer = create(Component("layer", "Bidirectional", {"layer": cell, "merge_mode": "sum"}))
    assert (type(layer).__name__, layer.forward_layer.units, layer.merge_mode) == ("Bidirectional", 4, "sum")


def test_create_gives_the_programs_context_first():
    class_names = create(Component("dataset", "digits", {"seed": 3}))
    assert class_names.seed == 3
    values = create(Component("initializer", "Values", {"values": [[1.0], [2.0]]}))
    assert values((2, 1)).shape == (2, 1)


def test_create_locates_what_keras_refuses():
    place = Location("net.yaml", 7, 9)
    component = Component("layer", "Conv2D", {"filters": 6, "kernel_size": 3, "groups": 4}, place)
    with pytest.raises(RecipeError) as raised:
        create(component)
    [problem] = raised.value.problems
    assert (problem.location, problem.key) == (place, "")
    assert problem.message.startswith("Conv2D does not accept these settings: ")
    assert "\n" not in problem.message
