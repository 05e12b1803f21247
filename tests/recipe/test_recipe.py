"""Recipes as a whole: found, checked, located, written back."""

from pathlib import Path

import pytest

from dlkit.catalog.create import Component
from dlkit.errors import InputError, Location, RecipeError
from dlkit.recipe import find_recipe, load_recipe, resolved_yaml, shipped_recipes

BASE = Path(__file__).parents[1] / "broken" / "base.yaml"


@pytest.fixture
def written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(old="", new=""):
        text = BASE.read_text(encoding="utf-8")
        assert old in text
        (tmp_path / "net.yaml").write_text(text.replace(old, new), encoding="utf-8")
        return "net.yaml"

    return write


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipes_are_valid_and_read_back(name, tmp_path):
    loaded = load_recipe(name)
    assert loaded.recipe.name == name
    copy = tmp_path / "resolved.yaml"
    copy.write_text(resolved_yaml(loaded), encoding="utf-8")
    assert load_recipe(copy).plain == loaded.plain


def test_components_stand_where_the_format_has_places(written):
    recipe = load_recipe(written()).recipe
    assert recipe.task == Component("task", "classification", {}, Location("net.yaml", 3, 7))
    assert recipe.data.source == Component("dataset", "digits", {"test_fraction": 0.2}, Location("net.yaml", 5, 12))
    first, *_ = recipe.model.settings["layers"]
    assert first == Component("layer", "Dense", {"units": 32, "activation": "relu"}, Location("net.yaml", 13, 9))
    assert [layer.name for layer in recipe.data.preprocess] == ["Rescaling", "Flatten"]


def test_nested_components(written):
    layer = "Bidirectional: {layer: {LSTM: {units: 4, activation: {ReLU: {max_value: 6}}}}}"
    recipe = load_recipe(written("Dropout: {rate: 0.2}", layer)).recipe
    inner = recipe.model.settings["layers"][1].settings["layer"]
    assert (inner.namespace, inner.name, inner.settings["units"]) == ("layer", "LSTM", 4)
    assert inner.settings["activation"].settings == {"max_value": 6}


@pytest.mark.parametrize(
    "setting",
    [
        "activation: ReLU",
        "activation: {LeakyReLU: {negative_slope: 0.1}}",
        "kernel_initializer: he_normal",
        "kernel_initializer: HeNormal",
        "kernel_initializer: {VarianceScaling: {scale: 2.0}}",
        "kernel_regularizer: l2",
        "kernel_regularizer: {L2: {l2: 1e-4}}",
        "kernel_constraint: {MaxNorm: {max_value: 3}}",
        "bias_initializer: null",
    ],
)
def test_forms_that_keras_takes(written, setting):
    load_recipe(written("activation: relu", setting))


@pytest.mark.parametrize(
    "form", ["mse", "MeanSquaredError", "{MeanSquaredError: {reduction: sum}}", "mean_squared_error"]
)
def test_forms_of_a_loss(written, form):
    load_recipe(
        written("task: classification", f"task: {{classification: {{loss: {form}, metrics: [mae, Precision]}}}}")
    )


def test_a_bare_name_must_not_need_settings(written):
    with pytest.raises(RecipeError, match="'num_classes' is missing"):
        load_recipe(written("task: classification", "task: {classification: {metrics: [MeanIoU]}}"))


def test_problems_come_in_the_order_of_the_file(written):
    text = "batch_size: 0\n  epochs: 0\n  optimizer: Adm\n  seed: -1\n"
    with pytest.raises(RecipeError) as raised:
        load_recipe(written("batch_size: 32\n  epochs: 2\n  optimizer: {Adam: {learning_rate: 0.001}}\n", text))
    assert [problem.location.line for problem in raised.value.problems] == [17, 18, 19, 20]


def test_overrides_are_kept_and_resolved(written):
    loaded = load_recipe(written(), ["training.epochs=5"])
    assert (loaded.overrides, loaded.recipe.training.epochs) == (("training.epochs=5",), 5)
    assert "epochs: 2" in loaded.text
    assert "epochs: 5" in resolved_yaml(loaded)


def test_locate(written):
    loaded = load_recipe(written())
    assert loaded.locate("expect") == Location("net.yaml", 22, 1)
    assert loaded.locate("model.sequential.layers.1.Dropout.rate") == Location("net.yaml", 14, 19)
    assert loaded.locate("model.sequential.layers.9") == Location("net.yaml", 13, 7)


def test_find_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for reference in (
        "mnist_mlp",
        "mnist_mlp.yaml",
        "mnist_mlp.yml",
        "recipes/mnist_mlp.yaml",
        "recipes/mnist_mlp.yml",
    ):
        assert find_recipe(reference) == shipped_recipes()["mnist_mlp"]
    (tmp_path / "mnist_mlp").mkdir()  # such as that of its runs
    assert find_recipe("mnist_mlp") == shipped_recipes()["mnist_mlp"]
    (tmp_path / "mnist_mlp.yaml").write_text("name: mine")
    assert find_recipe("mnist_mlp.yaml") == Path("mnist_mlp.yaml")
    with pytest.raises(InputError):
        find_recipe("elsewhere/mnist_mlp.yaml")
    with pytest.raises(InputError):
        find_recipe("mnist_mlp.txt")


def test_sections_are_what_the_file_says():
    recipe = load_recipe("digits_mlp", ["data.validation={fold: 1, of: 4}"]).recipe
    assert (recipe.data.validation.fold, recipe.data.validation.of, recipe.data.validation.fraction) == (1, 4, None)
    assert load_recipe("digits_mlp").recipe.data.validation.fraction == 0.1


@pytest.mark.parametrize(
    ("setting", "word"),
    [("kernel_initializer", "he_normal"), ("kernel_regularizer", "l2"), ("kernel_constraint", "non_neg")],
)
def test_the_words_of_keras_stand_for_components(setting, word):
    layer = "model.sequential.layers.0.Dense"
    recipe = load_recipe("digits_mlp", [f"{layer}.{setting}={word}"]).recipe
    assert recipe.model.settings["layers"][0].settings[setting] == word
    with pytest.raises(RecipeError, match=f"unknown .* '{word}x'") as raised:
        load_recipe("digits_mlp", [f"{layer}.{setting}={word}x"])
    assert f"did you mean '{word}'" in raised.value.problems[0].hint


@pytest.mark.parametrize(
    ("layer", "key", "message"),
    [
        ("Rescaling: {scale: x}", "Rescaling.scale", "expected a number or a list, received 'x'"),
        ("MaxPooling2D: {pool_size: x}", "MaxPooling2D.pool_size", "expected a whole number or a list, received 'x'"),
        ("MaxPooling2D: {pool_size: [1, x]}", "MaxPooling2D.pool_size.1", "expected a whole number, received 'x'"),
    ],
)
def test_a_setting_of_several_types_names_them_all(layer, key, message):
    with pytest.raises(RecipeError) as raised:
        load_recipe("digits_mlp", [f"data.preprocess=[{{{layer}}}]"])
    (problem,) = raised.value.problems
    assert (problem.key, problem.message) == (f"data.preprocess.0.{key}", message)


@pytest.mark.parametrize(
    ("override", "key", "message"),
    [
        ("data.validation=5", "data.validation", "expected a mapping of keys, received 5"),
        ("data.resize=5", "data.resize", "expected a mapping of keys, received 5"),
        ("data.validation={fraction: x}", "data.validation.fraction", "expected a number, received 'x'"),
        ("expect.layers=[[Dense, [1, x], 3]]", "expect.layers.0.1.1", "expected a whole number, received 'x'"),
    ],
)
def test_keys_name_the_recipe_and_not_our_types(override, key, message):
    with pytest.raises(RecipeError) as raised:
        load_recipe("digits_mlp", [override])
    (problem,) = raised.value.problems
    assert (problem.key, problem.message) == (key, message)
