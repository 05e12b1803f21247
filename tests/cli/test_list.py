"""dlkit list."""

import json

import pytest

from dlkit.catalog.find import names
from dlkit.catalog.kinds import NAMESPACES
from dlkit.recipe import load_recipe, shipped_recipes


def test_without_a_kind_the_usual_ones_are_listed(dlkit, tmp_path):
    result = dlkit("list", "--runs-dir", tmp_path)
    lines = result.out.splitlines()
    assert (result.code, result.error) == (0, "")
    assert {"recipes", "datasets", "models", "tasks", "layers", "exporters", "runs"} <= set(lines)
    assert any(line.startswith("mnist_mlp ") for line in lines)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_components_of_a_kind(dlkit, namespace):
    entries = json.loads(dlkit("list", NAMESPACES[namespace].folder, "--json").out)
    assert [entry["name"] for entry in entries] == names(namespace)
    assert all(entry["description"] for entry in entries)


def test_recipes_are_described_by_their_first_line(dlkit):
    entries = json.loads(dlkit("list", "recipes", "--json").out)
    assert [entry["name"] for entry in entries] == list(shipped_recipes())
    assert all(entry["description"] and not entry["description"].startswith("#") for entry in entries)


def test_recipes_say_their_task_their_time_and_when_to_choose_them(dlkit):
    entries = {entry["name"]: entry for entry in json.loads(dlkit("list", "recipes", "--json").out)}
    for name in ("digits_mlp", "single_neuron", "unet", "vae"):
        assert entries[name]["task"] == load_recipe(name).recipe.task.name
    assert entries["mnist_mlp"]["time"] == "about a minute on 2 CPU cores"
    assert entries["digits_mlp"]["choose"] == "first of all, and to try dlkit: no download"
    assert all(entry["task"] and entry["time"] and entry["choose"] for entry in entries.values())
    lines = dlkit("list", "recipes").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "autoencoding (times on 2 CPU cores)"
    place = next(number for number, line in enumerate(lines) if line.startswith("mnist_mlp "))
    assert lines[place].endswith("to follow the lecture; a first network on MNIST")
    assert lines[place + 1].strip() == "about a minute"


def test_runs_of_an_empty_folder(dlkit, tmp_path):
    assert json.loads(dlkit("list", "runs", "--json", "--runs-dir", tmp_path).out) == []


def test_plain_output_has_no_control_characters(dlkit):
    assert dlkit("list", "layers").out.replace("\n", "").isprintable()
