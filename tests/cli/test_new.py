"""dlkit new."""

import re

import pytest

from dlkit.recipe import load_recipe, shipped_recipes


@pytest.mark.parametrize("source", shipped_recipes())
def test_every_shipped_recipe_can_be_begun_from(dlkit, tmp_path, source):
    result = dlkit("new", "my_net", "--from", source)
    text = (tmp_path / "my_net.yaml").read_text(encoding="utf-8")
    original = shipped_recipes()[source].read_text(encoding="utf-8")
    assert (result.code, result.out) == (0, "wrote my_net.yaml\n")
    assert load_recipe(tmp_path / "my_net.yaml").recipe.name == "my_net"
    assert re.search(r"^# Run: +dlkit (train|summary|search) my_net.yaml", text, re.MULTILINE)
    assert len(text.splitlines()) == len(original.splitlines())


def test_comments_are_kept(dlkit, tmp_path):
    dlkit("new", "my_net", "--from", "mnist_mlp")
    text = (tmp_path / "my_net.yaml").read_text(encoding="utf-8")
    first, *_ = shipped_recipes()["mnist_mlp"].read_text(encoding="utf-8").splitlines()
    assert text.splitlines()[0] == first


def test_output_and_what_comes_next(dlkit, tmp_path):
    result = dlkit("new", "my_net", "--from", "mnist_mlp", "--output", "nets/mine.yaml")
    assert (tmp_path / "nets" / "mine.yaml").exists()
    assert result.error == "next: edit it, then dlkit validate nets/mine.yaml --build and dlkit train nets/mine.yaml\n"


def test_nothing_is_overwritten(dlkit, tmp_path):
    (tmp_path / "my_net.yaml").write_text("mine")
    assert dlkit("new", "my_net", "--from", "mnist_mlp").code == 2
    assert (tmp_path / "my_net.yaml").read_text() == "mine"


def test_a_recipe_of_ones_own_can_be_begun_from(dlkit, tmp_path):
    dlkit("new", "first", "--from", "mnist_mlp")
    assert dlkit("new", "second", "--from", "first.yaml").code == 0
    assert load_recipe(tmp_path / "second.yaml").recipe.name == "second"


@pytest.mark.parametrize("name", ["My-Net", "", "-net", "a/b", "a" * 65, "net.yaml"])
def test_bad_names_write_nothing(dlkit, tmp_path, name):
    assert dlkit("new", "--from", "mnist_mlp", "--", name).code == 2
    assert list(tmp_path.iterdir()) == []
