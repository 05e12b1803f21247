"""A run's classes and columns must be those of its data in every verb that reads it, whatever the source."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from PIL import Image

from dlkit.data.recorded import dataset_of, differences
from dlkit.data.source import build_dataset, describe
from dlkit.errors import CheckError, MissingError
from dlkit.evaluation.evaluate import evaluate
from dlkit.experiments.reproduce import reproduce
from dlkit.interfaces.data import ArraySpec, Description
from dlkit.interfaces.table import Column, Table
from dlkit.model.splits import read_split
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.runs.directory import RunDirectory
from dlkit.training.run import resume_run, train_recipe

SPEC, LABEL = ArraySpec((2,), "float64"), ArraySpec((), "int64")


def recipe(folder, source):
    path = folder / "r.yaml"
    path.write_text(
        f"recipe: 1\nname: r\ntask: classification\ndata:\n  source: {source}\nmodel:\n  sequential:\n    layers:\n"
        "      - Dense: {units: 2, activation: softmax}\ntraining: {epochs: 1, optimizer: SGD}\n"
    )
    return load_recipe(str(path))


def table_of(names, categories=()):
    return Table(tuple(Column(name, categories) for name in names), "y")


@pytest.mark.parametrize(
    ("then", "now", "says"),
    [
        ({"class_names": ("a", "b")}, {"class_names": ("a", "c")}, ["classes: missing 'b', new 'c'"]),
        ({"class_names": ("a", "b")}, {"class_names": ("a", "b", "c")}, ["classes: new 'c'"]),
        ({"class_names": ("a", "b")}, {"class_names": ("b", "a")}, ["classes are in another order: 'b', 'a'"]),
        ({"table": table_of("ab")}, {"table": table_of("bc")}, ["columns: missing 'a', new 'c'"]),
        ({"table": table_of("ab")}, {"table": table_of("ba")}, []),
        (
            {"table": table_of("a", ("x", "y"))},
            {"table": table_of("a", ("y", "z"))},
            ["categories of 'a': missing 'x', new 'z'"],
        ),
        (
            {},
            {"inputs": ArraySpec((3,), "float64")},
            ["inputs were float64 [2], are float64 [3]"],
        ),
        ({}, {"targets": ArraySpec((), "int32")}, ["targets were int64 [], are int32 []"]),
    ],
)
def test_differences(then, now, says):
    plain = Description(SPEC, LABEL)
    assert differences(replace(plain, **then), replace(plain, **now)) == says
    assert differences(plain, replace(plain, splits={"train": 7})) == []


def test_long_lists_of_names_are_shortened():
    then, now = Description(SPEC, LABEL, tuple("ab")), Description(SPEC, LABEL, tuple(f"c{i}" for i in range(12)))
    assert differences(then, now)[0].endswith("'c9' and 2 more")


@pytest.fixture(scope="module")
def trained_on_table(tmp_path_factory, silent):
    """A run on a table whose columns have different meanings, and the folder of its tables."""
    folder = tmp_path_factory.mktemp("table")
    rng = np.random.default_rng(0)
    rows = [f"{rng.normal():.3f},{10 + rng.normal():.3f},{'pq'[i % 2]}" for i in range(20)]
    (folder / "t.csv").write_text("a,b,y\n" + "\n".join(rows) + "\n")
    (folder / "test.csv").write_text("b,a,y\n10,0,p\n11,1,q\n")
    source = f"{{csv: {{file: {folder}/t.csv, test_file: {folder}/test.csv, target: y}}}}"
    return train_recipe(recipe(folder, source), folder / "runs", silent()).run, folder


@pytest.fixture
def of_table(trained_on_table):
    """The same, with the tables restored afterwards."""
    run, folder = trained_on_table
    kept = {path: path.read_text() for path in folder.glob("*.csv")}
    yield run, folder
    for path, text in kept.items():
        path.write_text(text)


def recorded(folder, loaded):
    """A run of which only the description of its data exists."""
    run = RunDirectory(folder)
    run.write_json("data.json", {"description": asdict(describe(loaded.recipe, build_dataset(loaded.recipe)))})
    return run


def rewritten(path, old, new):
    path.write_text(path.read_text().replace(old, new))


def test_columns_in_another_order_are_put_back(of_table, silent):
    run, folder = of_table
    loaded = load_recipe(run.resolved_recipe)
    before = read_split(open_run(run), "test").inputs
    np.testing.assert_array_equal(before, [[0, 10], [1, 11]])
    rows = [line.split(",") for line in (folder / "t.csv").read_text().splitlines()]
    (folder / "t.csv").write_text("".join(f"{y},{b},{a}\n" for a, b, y in rows))
    np.testing.assert_array_equal(read_split(open_run(run), "test").inputs, before)
    evaluate(open_run(run), "train")  # the fingerprint of train is still that of the run
    assert reproduce(run, folder / "runs", silent()).verdict == "bit-identical"
    assert dataset_of(run, loaded.recipe).describe().table.names == ["a", "b"]


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("t.csv", "q\n", "r\n", "classes: missing 'q', new 'r'"),
        ("t.csv", "a,b,y", "a,c,y", "columns: missing 'b', new 'c'"),
    ],
)
def test_other_classes_and_columns_are_refused_by_every_verb(of_table, silent, file, old, new, says):
    run, folder = of_table
    for name in (file, "test.csv"):
        rewritten(folder / name, old, new)
        rewritten(folder / name, "b,a,y", "c,a,y" if "c" in new else "b,a,y")
    loaded = load_recipe(run.resolved_recipe)
    verbs = [lambda split=split: evaluate(open_run(run), split) for split in ("train", "test")]
    verbs += [lambda: reproduce(run, folder / "runs", silent()), lambda: resume_run(loaded, run, silent())]
    for verb in verbs:
        with pytest.raises(CheckError, match=f"the data is not that of .*{says}") as caught:
            verb()
        assert caught.value.problems[0].location is not None


def test_class_folders_that_were_renamed_or_added(tmp_path):
    photos = tmp_path / "photos"
    for name in ("cats", "dogs", "unused"):
        (photos / name).mkdir(parents=True)
        for index in range(5):
            Image.new("L", (4, 4), 10 * index).save(photos / name / f"{index}.png")
    (photos / "unused").rename(tmp_path / "birds")
    loaded = recipe(tmp_path, f"{{image_folder: {{directory: {photos}, classes: 2}}}}")
    run = recorded(tmp_path, loaded)
    dataset_of(run, loaded.recipe)
    (photos / "cats").rename(photos / "wolves")
    with pytest.raises(CheckError, match="classes: missing 'cats', new 'wolves'"):
        dataset_of(run, loaded.recipe)
    (photos / "wolves").rename(photos / "cats")
    (tmp_path / "birds").rename(photos / "birds")
    loaded = recipe(tmp_path, f"{{image_folder: {{directory: {photos}}}}}")
    with pytest.raises(CheckError, match="classes: new 'birds'"):
        dataset_of(run, loaded.recipe)
    photos.rename(tmp_path / "moved")
    with pytest.raises(MissingError, match="no such folder"):
        dataset_of(run, loaded.recipe)


def test_arrays_of_another_shape(tmp_path):
    def save(width):
        np.savez(tmp_path / "train.npz", x=np.zeros((4, width), "float32"), y=np.array([0, 1, 0, 1]))

    save(4)
    loaded = recipe(tmp_path, f"{{arrays: {{train: {tmp_path}/train.npz, classes: 2}}}}")
    run = recorded(tmp_path, loaded)
    save(3)
    with pytest.raises(CheckError, match=r"inputs were float32 \[4\], are float32 \[3\]"):
        dataset_of(run, loaded.recipe)
