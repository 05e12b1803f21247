"""The data report: counts, duplicates, conflicts and unreadable files are those that were put there."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlkit.components.datasets.digits import Digits
from dlkit.data.near_duplicates import _bands, alike, difference_hashes, near_counts, neighbours
from dlkit.data.report import report
from dlkit.data.source import build_dataset, left_out
from dlkit.errors import InputError
from dlkit.recipe import load_recipe
from dlkit.runs.directory import RunDirectory
from dlkit.training.run import train_recipe

RECIPE = """
recipe: 1
name: pictures
task: classification
data:
  source: {{image_folder: {{directory: {directory}, channels: 1, test_fraction: 0.25}}}}
  resize: {{height: 16, width: 16}}
  preprocess: [{{Rescaling: {{scale: 1/255}}}}, Flatten]
model: {{sequential: {{layers: [{{Dense: {{units: 2, activation: softmax}}}}]}}}}
training: {{epochs: 1, optimizer: {{SGD: {{learning_rate: 0.01}}}}}}
"""


@pytest.fixture(autouse=True)
def own_places(tmp_path, monkeypatch):
    monkeypatch.setenv("DLKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DLKIT_SKIP_BAD", "")


@pytest.fixture
def pictures(tmp_path):
    """Real digits as PNG files: 12 zeros, 12 ones."""
    source = Digits().load("train", None)
    for label in (0, 1):
        folder = tmp_path / "photos" / f"digit {label}"
        folder.mkdir(parents=True)
        for index, image in enumerate(source.inputs[source.targets == label][:12]):
            Image.fromarray(image[..., 0]).save(folder / f"{index:02d}.png")
    return tmp_path / "photos"


@pytest.fixture
def loaded(pictures, tmp_path):
    (tmp_path / "pictures.yaml").write_text(RECIPE.format(directory=pictures))
    return load_recipe(tmp_path / "pictures.yaml")


def arrays_recipe(tmp_path, train, test):
    for name, (inputs, targets) in {"train": train, "test": test}.items():
        np.savez(tmp_path / f"{name}.npz", x=inputs, y=np.asarray(targets))
    source = f"data.source={{arrays: {{train: {tmp_path}/train.npz, test: {tmp_path}/test.npz, classes: 2}}}}"
    return load_recipe("digits_mlp", [source, "data.validation=none"]).recipe


def test_duplicates_and_conflicts_are_counted_where_they_are(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 9, 1), np.uint8)
    train = np.concatenate([images[:20], images[:3]])
    labels = [0] * 18 + [1] * 2 + [0, 0, 1]
    found = report(arrays_recipe(tmp_path, (train, labels), (np.concatenate([images[20:], images[5:7]]), [0] * 12)))
    assert found["splits"]["train"] == {"examples": 23, "classes": {"0": 20, "1": 3}, "imbalance": 6.667}
    assert found["splits"]["test"] == {"examples": 12, "classes": {"0": 12, "1": 0}, "imbalance": None}
    groups = [[f"train[{index}]", f"train[{index + 20}]"] for index in range(3)]
    groups += [["train[5]", "test[10]"], ["train[6]", "test[11]"]]
    counts = {"within": {"train": 3, "test": 0}, "across": {"test in train": 2}}
    assert found["exact_duplicates"] == counts | {"first": groups}
    assert found["conflicting_labels"] == {"groups": 1, "first": [["train[2]", "train[22]"]]}
    assert found["warnings"] == [
        "test has no examples of 1",
        "2 examples of test are also in train",
        "1 groups of identical examples have different targets",
    ]


def test_values_that_are_no_numbers_are_counted_where_they_are(tmp_path):
    rows = np.random.default_rng(0).normal(size=(24, 5))
    rows[7, 2], rows[3, 0], rows[20, 4] = np.nan, np.inf, -np.inf
    found = report(arrays_recipe(tmp_path, (rows[:18], [0, 1] * 9), (rows[18:], [0, 1] * 3)))
    assert found["not_finite"] == {"examples": 3, "first": ["train[3]", "train[7]", "test[2]"]}
    assert found["warnings"] == ["3 examples contain NaN or infinity"]


def test_imbalance_beyond_ten_is_a_warning(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (24, 8, 9, 1), np.uint8)
    found = report(arrays_recipe(tmp_path, (images[:23], [0] * 21 + [1] * 2), (images[23:], [0])))
    assert found["warnings"][0] == "the largest class of train is 10.5 times as large as the smallest"


def test_the_hash_says_which_cell_is_brighter_than_its_left_neighbour():
    rising = np.tile(np.arange(90, dtype=np.uint8), (80, 1))[None, ..., None]
    assert difference_hashes(rising).tolist() == [2**64 - 1]
    assert difference_hashes(rising[:, :, ::-1]).tolist() == [0]
    step = np.zeros((1, 8, 9, 1), np.uint8)
    step[0, 7, 8] = 255
    assert difference_hashes(step).tolist() == [1]
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1, 64, 72, 3), np.uint8)
    brighter = (image // 2 + 60).astype(np.uint8)
    distance = np.bitwise_count(difference_hashes(image) ^ difference_hashes(brighter))
    assert distance[0] <= 2


def test_banding_finds_exactly_the_pairs_that_comparing_all_with_all_finds():
    rng = np.random.default_rng(1)
    base = rng.integers(0, 2**63, 60, np.uint64)
    flips = [sum(1 << int(bit) for bit in rng.choice(64, n, replace=False)) for n in rng.integers(0, 8, 60)]
    hashes = np.concatenate([base, base ^ np.array(flips, np.uint64)])
    splits = rng.integers(0, 3, len(hashes))
    found = neighbours(hashes, splits)
    distances = np.bitwise_count(found.hashes[:, None] ^ found.hashes[None, :])
    np.fill_diagonal(distances, 64)
    expected = np.array([[(row <= 4) & (found.counts[:, s] > 0) for s in range(3)] for row in distances]).any(axis=2)
    np.testing.assert_array_equal(found.near, expected)
    assert 20 < found.near.any(axis=1).sum() < 120
    masks = _bands(found.hashes, 5)
    assert [sum(bin(mask).count("1") for mask in map(int, masks)), len(masks)] == [64, 5]
    assert int(np.bitwise_or.reduce(masks)) == 2**64 - 1


def test_exact_copies_are_no_near_duplicates():
    hashes = np.array([5, 5, 5, 4, 0], np.uint64) << np.uint64(20)
    hashes[4] = np.uint64(2**64 - 1)
    splits = np.array([0, 0, 0, 1, 1])
    found = near_counts(["train", "test"], alike(hashes, np.array([0, 0, 1, 2, 3]), splits), splits)
    assert found == {"within": {"train": 3, "test": 0}, "across": {"test in train": 1}}
    splits = np.array([0, 0])
    alone = near_counts(["train"], alike(hashes[:2], np.array([0, 0]), splits), splits)
    assert alone == {"within": {"train": 0}, "across": {}}


def test_every_unreadable_file_is_named(loaded, pictures):
    for name in ("digit 0/bad.png", "digit 1/worse.jpg"):
        (pictures / name).write_bytes(b"no picture")
    found = report(loaded.recipe)
    assert [entry["file"] for entry in found["unreadable"]] == [
        str(pictures / "digit 0/bad.png"),
        str(pictures / "digit 1/worse.jpg"),
    ]
    assert found["splits"]["train"]["examples"] + found["splits"]["test"]["examples"] == 24
    assert found["warnings"][-1] == "2 files are unreadable"


def test_a_near_copy_is_found_among_pictures(loaded, pictures):
    pixels = np.asarray(Image.open(pictures / "digit 0/00.png")).astype(int)
    Image.fromarray(np.clip(pixels + 1, 0, 255).astype(np.uint8)).save(pictures / "digit 0/00b.png")
    before = report(loaded.recipe)["near_duplicates"]
    assert before["compared"] == before["examples"] == 25
    assert sum(before["within"].values()) + before["across"]["test in train"] >= 1
    assert len(before["first"]) == 10
    assert {Path(name).parent.parent for name in before["first"]} == {pictures}


def test_duplicates_and_conflicts_name_the_files(loaded, pictures):
    shutil.copy(pictures / "digit 0/00.png", pictures / "digit 0/twin.png")
    shutil.copy(pictures / "digit 0/01.png", pictures / "digit 1/stray.png")
    found = report(loaded.recipe)
    twins, strays = (
        {str(pictures / name) for name in pair}
        for pair in (("digit 0/00.png", "digit 0/twin.png"), ("digit 0/01.png", "digit 1/stray.png"))
    )
    assert sorted(map(sorted, found["exact_duplicates"]["first"])) == sorted(map(sorted, (twins, strays)))
    assert list(map(set, found["conflicting_labels"]["first"])) == [strays]


def test_unreadable_images_are_left_out_up_to_a_bound_and_recorded(loaded, pictures, tmp_path, reporter, monkeypatch):
    bad = [pictures / "digit 0/bad.png", pictures / "digit 1/worse.png"]
    for path in bad:
        path.write_bytes(b"no picture")
    monkeypatch.setenv("DLKIT_SKIP_BAD", "1")
    with pytest.raises(InputError, match=r"2 images cannot be read, but at most 1 .*bad\.png, .*worse\.png"):
        train_recipe(loaded, tmp_path / "runs", reporter)
    monkeypatch.setenv("DLKIT_SKIP_BAD", "2")
    run = train_recipe(loaded, tmp_path / "runs", reporter).run
    assert left_out(build_dataset(loaded.recipe)) == tuple(bad)
    content = run.read_json("data.json")
    assert content["left_out"] == [str(path) for path in bad]
    assert content["description"]["splits"] == {"train": 18, "test": 6}
    assert content["fingerprints"]["train"]["examples"] == 18
    monkeypatch.setenv("DLKIT_SKIP_BAD", "")
    with pytest.raises(InputError, match="is not a readable image"):
        train_recipe(loaded, tmp_path / "runs", reporter)


def test_the_verb_prints_the_report_as_json(dlkit):
    result = dlkit("data", "digits_mlp", "--json")
    assert result.code == 0
    found = json.loads(result.out)
    assert found["splits"]["test"]["examples"] == 360
    assert found["exact_duplicates"]["across"] == {
        "validation in train": 0,
        "test in train": 0,
        "test in validation": 0,
    }
    assert found["warnings"] == []


def test_train_names_what_it_leaves_out(loaded, pictures, tmp_path, dlkit):
    (pictures / "digit 0/bad.png").write_bytes(b"no picture")
    printed = dlkit("train", loaded.path, "--skip-bad", "1", "--runs-dir", tmp_path / "runs", "--json")
    assert printed.code == 0
    assert f"skipped unreadable image: {pictures / 'digit 0/bad.png'}" in printed.error.splitlines()
    assert json.loads(printed.out)["recipe"] == "pictures"


def test_evaluate_leaves_out_what_the_run_left_out(loaded, pictures, tmp_path, reporter, monkeypatch, dlkit):
    (pictures / "digit 0/bad.png").write_bytes(b"no picture")
    monkeypatch.setenv("DLKIT_SKIP_BAD", "1")
    run = train_recipe(loaded, tmp_path / "runs", reporter).run
    moved = RunDirectory(shutil.copytree(run.path, tmp_path / "runs" / "pictures" / "copy"))
    monkeypatch.setenv("DLKIT_SKIP_BAD", "")
    result = dlkit("evaluate", moved.path, "--json")
    assert result.code == 0
    assert set(json.loads(result.out)["metrics"]) == {"loss", "accuracy", "balanced_accuracy", "macro_f1"}
