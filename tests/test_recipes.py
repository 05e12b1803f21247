"""Every shipped recipe is found, says what it is in its first lines, validates, and has a contract that adds up."""

import itertools
import math
import re

import pytest

from dlkit.recipe import load_recipe, shipped_recipes

RECIPES = shipped_recipes()


@pytest.fixture(params=sorted(RECIPES))
def name(request):
    return request.param


def header(name):
    """The comment lines before the first key."""
    lines = RECIPES[name].read_text(encoding="utf-8").splitlines()
    return lines[: next(number for number, line in enumerate(lines) if not line.startswith("#"))]


def part(name, title):
    """What the header says under a title."""
    found = [line for line in header(name) if line.startswith(f"# {title}:")]
    assert len(found) == 1, f"{name} has {len(found)} lines '# {title}:'"
    return found[0].partition(":")[2].strip()


def test_all_files_in_the_folder_are_shipped():
    folder = next(iter(RECIPES.values())).parent
    while folder.name != "recipes":
        folder = folder.parent
    assert {path.stem for path in folder.rglob("*.yaml")} == set(RECIPES)
    assert len(list(folder.rglob("*.y*ml"))) == len(RECIPES)


def test_a_recipe_is_named_like_its_file(name):
    assert load_recipe(RECIPES[name]).recipe.name == name


def test_the_header_gives_purpose_source_command_time_and_expected_score(name):
    purpose = header(name)[0].removeprefix("# ")
    assert purpose.endswith(".")
    assert not re.match(r"\w+:", purpose)
    assert part(name, "Source")
    assert part(name, "Expected")
    assert part(name, "Choose")
    command, time = re.fullmatch(r"(dlkit \w+ \S+(?: --\w+)?) {2,}\((.+)\)", part(name, "Run")).groups()
    assert command.split()[2] == f"recipes/{name}.yaml"
    assert re.search(r"second|minute|hour|\d s\b|no data", time)


def test_rows_add_up_to_the_counts(name):
    recipe = load_recipe(RECIPES[name]).recipe
    expect = recipe.expect
    assert expect.layers or recipe.model.name != "sequential", "the contract has no rows"
    if expect.layers:  # hundreds of rows say less than their counts
        assert expect.parameters.total == sum(count for _, _, count in expect.layers)
    assert expect.parameters.total == expect.parameters.trainable + expect.parameters.non_trainable


def test_rows_are_the_layers_of_the_recipe(name):
    recipe = load_recipe(RECIPES[name]).recipe
    if recipe.model.name == "sequential":
        layers = [layer.name for layer in recipe.model.settings["layers"]]
        assert [row[0] for row in recipe.expect.layers] == layers


def test_flatten_keeps_the_number_of_values(name):
    rows = load_recipe(RECIPES[name]).recipe.expect.layers or []
    for before, after in itertools.pairwise(rows):
        if after[0] == "Flatten":
            assert math.prod(before[1]) == math.prod(after[1])


def test_the_test_split_decides_only_where_there_is_a_validation_split(name):
    recipe = load_recipe(RECIPES[name]).recipe
    if recipe.data.validation == "none" and recipe.expect.metrics:
        assert recipe.expect.split == "train"


@pytest.mark.parametrize(
    ("name", "total", "non_trainable"),
    [
        ("mnist_mlp", 932_362, 0),
        ("mnist_mlp_rmsprop", 932_362, 0),
        ("mnist_cnn", 225_162, 0),
        ("lenet5", 61_706, 0),
        ("lenet5_1998", 60_000, 0),
        ("alexnet", 62_378_344, 0),
        ("alexnet_grouped", 60_965_224, 0),
        ("zfnet", 62_357_608, 0),
        ("vgg16", 138_357_544, 0),
        ("vgg19", 143_667_240, 0),
        ("googlenet", 6_998_552, 0),
        ("googlenet_aux", 13_378_280, 0),
        ("resnet50", 25_636_712, 53_120),
        ("resnet101", 44_707_176, 105_344),
        ("resnet152", 60_419_944, 151_424),
        ("cifar_cnn", 1_345_066, 1_920),
        ("cifar_cnn_mild", 1_345_066, 1_920),
        ("cifar_cnn_plain", 1_345_066, 1_920),
        ("mlp_agh", 625, 0),
        ("mlp_agh_no_bias", 584, 0),
        ("single_neuron", 3, 0),
    ],
)
def test_the_counts_are_those_that_the_lectures_print(name, total, non_trainable):
    parameters = load_recipe(name).recipe.expect.parameters
    assert (parameters.total, parameters.non_trainable) == (total, non_trainable)


def test_the_cifar_recipes_differ_in_augmentation_and_epochs_alone():
    strong, mild, plain = (load_recipe(name).plain for name in ("cifar_cnn", "cifar_cnn_mild", "cifar_cnn_plain"))
    for other in (mild, plain):
        assert other["model"] == strong["model"]
        assert other["training"] | {"epochs": 0} == strong["training"] | {"epochs": 0}
        data = {key: value for key, value in other["data"].items() if key != "augment"}
        assert data == {key: value for key, value in strong["data"].items() if key != "augment"}


RESULTS = RECIPES["digits_mlp"].parent.parent / "docs/results.md"


def measured_bounds():
    """The rows of the page of results that state a bound: (recipe, metric) -> split, bound, first measured value."""
    text = RESULTS.read_text(encoding="utf-8")
    rows = [re.split(r"(?<!\\) ?\| ?", line)[1:-1] for line in text.splitlines() if line.startswith("| `")]
    found = {}
    for recipe, command, metric, split, bound, _lecture, here in (row for row in rows if len(row) == 7):
        if bound:
            assert command == "the same" or f" {recipe.strip('`')}" in command, f"the command of {recipe}"
            found[recipe.strip("`"), metric] = split.split()[0], bound, float(re.search(r"[\d.]+", here)[0])
    return found


def promised_bounds():
    """The bounds that the recipes ask of metrics, in the same form without the measured value."""
    for name in RECIPES:
        expect = load_recipe(name).recipe.expect
        for metric, bound in expect.metrics.items():
            for sign, limit in ((">=", bound.at_least), ("<=", bound.at_most)):
                if limit is not None:
                    yield (name, metric), (expect.split, sign, limit)


def test_every_bound_of_a_recipe_was_measured_and_is_on_the_page_of_results():
    measured = measured_bounds()
    promised = dict(promised_bounds())
    stated = {key: (split, bound.split()[0], float(bound.split()[1])) for key, (split, bound, _) in measured.items()}
    assert promised == stated
    assert len(promised) >= 15


def test_the_measured_values_meet_their_bounds():
    for key, (_, bound, value) in measured_bounds().items():
        sign, limit = bound.split()
        assert value >= float(limit) if sign == ">=" else value <= float(limit), key
