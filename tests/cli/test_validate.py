"""dlkit validate."""

import json

import pytest

from dlkit.errors import RecipeError
from dlkit.recipe import shipped_recipes

BROKEN = "recipe: 1\nname: net\nepochs: 3\n"


def test_without_arguments_all_shipped_recipes_are_checked(dlkit):
    result = dlkit("validate")
    assert result.code == 0
    warned = [line for line in result.error.splitlines() if not line.startswith(" ")]
    assert all("vae_conv.yaml" in line and "checkerboard" in line for line in warned)  # as the net was published
    assert result.out.splitlines() == [f"ok  {name}" for name in shipped_recipes()]


def test_good_and_bad_together(dlkit, tmp_path):
    (tmp_path / "net.yaml").write_text(BROKEN)
    result = dlkit("validate", "mnist_mlp", "net.yaml", "lenet5")
    assert (result.code, result.out) == (2, "ok  mnist_mlp\nok  lenet5\n")
    assert result.error.startswith("error: net.yaml:1:1: the key 'task' is missing\n")


def test_json_of_valid_recipes_is_an_empty_list(dlkit):
    result = dlkit("validate", "mnist_mlp", "--json")
    assert (result.code, json.loads(result.out), result.error) == (0, [], "")


def test_json_lists_all_problems(dlkit, tmp_path):
    (tmp_path / "net.yaml").write_text(BROKEN)
    result = dlkit("validate", "net.yaml", "--json")
    problems = json.loads(result.out)
    assert (result.code, result.error, len(problems)) == (2, "", 5)
    allowed = "recipe, name, task, data, model, training, search, expect"
    assert problems[-1] == {
        "file": "net.yaml",
        "line": 3,
        "column": 1,
        "key": "epochs",
        "message": "unknown key 'epochs'",
        "hint": f"did you mean 'training.epochs'? allowed here: {allowed}",
        "level": "problem",
    }


def test_json_of_what_has_no_place_keeps_its_keys(dlkit):
    [problem] = json.loads(dlkit("validate", "nothing", "--json").out)
    assert list(problem) == ["file", "line", "column", "key", "message", "hint", "level"]
    assert (problem["file"], problem["line"], problem["message"]) == (None, None, "there is no recipe 'nothing'")


def test_overrides(dlkit):
    assert dlkit("validate", "mnist_mlp", "--set", "training.epochs=1", "--set", "name=quick").code == 0
    assert dlkit("validate", "mnist_mlp", "--set", "training.epochs=0").code == 2


def test_build_checks_layers_and_contract(dlkit):
    assert dlkit("validate", "digits_mlp", "--build").out == "ok  digits_mlp\n"
    result = dlkit("validate", "digits_mlp", "--build", "--set", "expect.parameters.total=1")
    assert result.code == 1
    assert "total parameters: expected 1, found " in result.error


NESTED = (
    "model={autoencoder: {encoder: [Flatten, {Dense: {units: 16, activation: relu}}], decoder: [{Reshape: "
    "{target_shape: [4, 4, 1]}}, {Conv2DTranspose: {filters: 1, kernel_size: 3, strides: 2, padding: same}}]}}"
)


def test_build_refuses_few_labels_for_a_task_without_classes(dlkit):
    result = dlkit("validate", "linear_regression", "--build", "--set", "data.labelled={per_class: 5}")
    assert result.code == 2
    assert "data.labelled: only a task with one class per example" in result.error


def test_build_keeps_the_warnings_of_nested_layers(dlkit):
    words = ["validate", "digits_mlp", "--set", NESTED, "--set", "task=autoencoding", "--set", "expect={}"]
    words += ["--set", "data.preprocess=[{Rescaling: {scale: 1/255}}]", "--json"]
    plain, built = (dlkit(*words, *more) for more in ([], ["--build"]))
    assert (plain.code, built.code) == (0, 0)
    (without,), (warning,) = json.loads(plain.out), json.loads(built.out)
    assert warning["level"] == "warning"
    assert "is not divisible by the stride 2" in warning["message"]
    assert {key: warning[key] for key in ("file", "line", "hint")} == {k: without[k] for k in ("file", "line", "hint")}


def test_debug_shows_the_traceback(dlkit, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLKIT_DEBUG", "1")
    monkeypatch.setattr("sys.argv", ["dlkit", "new", "net", "--from", "mnist_mlp", "--output", str(tmp_path)])
    from dlkit.cli import main
    from dlkit.errors import InputError

    with pytest.raises(InputError) as raised:
        main()
    assert not isinstance(raised.value, RecipeError)


def test_an_uneven_transposed_convolution_is_warned_of_and_drawn(dlkit, tmp_path):
    layers = "model.sequential.layers=[{Conv2DTranspose: {filters: 4, kernel_size: 3, strides: 2}}]"
    settings = ("digits_mlp", "--set", layers, "--set", "expect={}")
    result = dlkit("validate", *settings, "--figures", str(tmp_path / "figures"))
    assert (result.code, result.out) == (0, "ok  digits_mlp\n")
    assert "is not divisible by the stride 2" in result.error
    assert (tmp_path / "figures" / "digits_mlp" / "overlap_1_Conv2DTranspose.png").stat().st_size > 5000
    [warning] = json.loads(dlkit("validate", *settings, "--json").out)
    assert warning["level"] == "warning"
