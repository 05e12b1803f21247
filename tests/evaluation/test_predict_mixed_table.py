"""A table with numbers, categories and prose: the recipe says what a column is, and the export takes its raw cells."""

import re

import numpy as np
import pytest
import tensorflow as tf

from dlkit.components.datasets.csv import Csv
from dlkit.data.report import report
from dlkit.errors import InputError
from dlkit.evaluation.evaluate import evaluate, read_split
from dlkit.evaluation.predict import predict
from dlkit.export.export import export
from dlkit.model.build import build_model
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.serving.model import open_artefact
from dlkit.serving.status import Refused
from dlkit.training.run import train_recipe

RECIPE = """
recipe: 1
name: mixed
task: classification
data:
  source:
    csv: {file: FILE, target: y, test_fraction: 0.25, categories: [colour], texts: {text: 12}, missing: {text: drop}}
  validation: {fraction: 0.25}
model:
  sequential:
    layers:
      - Dense: {units: 2, activation: softmax}
training: {epochs: 8, batch_size: 8, optimizer: {Adam: {learning_rate: 0.1}}}
"""
RAW = "features: [text], texts: {text: raw}"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("mixed") / "t.csv"
    rng = np.random.default_rng(0)
    words = np.array(["good", "bad", "long", "short", "film", "plot"])
    rows = []
    for number in range(80):
        text = " ".join(["Great, " if number % 2 else "Awful, ", *rng.choice(words[2:], 3)])
        rows.append(f'{rng.normal():.2f},{["red", "green"][number % 3 == 0]},"{text}",{"pq"[number % 2]}\n')
    path.write_text("a,colour,text,y\n" + "".join(rows) + "1,red,,p\n")
    return path


@pytest.fixture(scope="module")
def trained(table, silent):
    (table.parent / "r.yaml").write_text(RECIPE.replace("FILE", str(table)))
    return open_run(train_recipe(load_recipe(str(table.parent / "r.yaml")), table.parent / "runs", silent()).run)


def test_numbers_categories_and_words_become_the_inputs(trained):
    assert trained.built.network.input.shape == (None, 1 + 2 + 12)
    cells = np.array([[b"1.5", b"red", b"Great, plot!"], [b"-2", b"green", b"plot plot"]])
    found = np.asarray(trained.built.preprocess(tf.constant(cells)))
    assert found[:, :3].tolist() == [[1.5, 0, 1], [-2, 1, 0]]
    assert found[:, 3:].sum(1).tolist() == [2, 1]
    assert evaluate(trained, "test")["accuracy"] == 1


def test_the_export_and_predict_take_raw_cells(trained, reload_here, tmp_path):
    path, certificate = export(trained, "saved_model", tmp_path / "out")
    assert certificate["passed"]
    (tmp_path / "new.csv").write_text('text,colour,a\n"great, long",red,1\nawful plot,green,0.5\n')
    found = predict(trained, [tmp_path / "new.csv"])
    assert [row["label"] for row in found] == ["q", "p"]
    cells = tf.constant([["1", "red", "great, long"], ["0.5", "green", "awful plot"]])
    answer = tf.saved_model.load(str(path)).signatures["serving_default"](inputs=cells)["probabilities"]
    np.testing.assert_allclose([list(row["probabilities"].values()) for row in found], answer, atol=1e-6)
    served = open_artefact(path).backend  # it computes, although it refuses a row of empty cells
    assert served.run("serving_default", {"inputs": cells.numpy()})["label"].tolist() == [b"q", b"p"]
    with pytest.raises(Refused, match=r"^unknown category in column colour$"):
        served.run("serving_default", {"inputs": np.array([["1", "blue", "great"]], object)})


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("1,red,", r"new.csv:2: column 'text' has no value"),
        ("1,blue,great", r"new.csv:2: column 'colour' has the category 'blue', which the training table does not have"),
        ("1,red,bell\x07", r"new.csv:2: column 'text': character 5 is the control character U\+0007"),
        (
            "1,red," + "word " * 21_000,
            r"new.csv:2: column 'text': the text has 104,999 characters, but at most 100,000",
        ),
        ("1,red," + "word " * 1_000_000, r"new.csv:2: column 'text': the text has 4,999,999 characters, but at most"),
    ],
)
def test_cells_that_cannot_be_examples_are_named(trained, tmp_path, row, says):
    (tmp_path / "new.csv").write_text(f"a,colour,text\n{row}\n")
    with pytest.raises(InputError, match=says):
        predict(trained, [tmp_path / "new.csv"])
    (tmp_path / "new.csv").write_text("a,colour\n1,red\n")
    with pytest.raises(InputError, match="missing: 'text'"):
        predict(trained, [tmp_path / "new.csv"])


def test_the_report_has_the_words_of_every_column_of_texts(trained):
    words = report(trained.loaded.recipe)["words"]
    assert list(words) == ["text"]
    assert (words["text"]["vocabulary"], words["text"]["splits"]["test"]["coverage"]) == (6, 1)


def test_a_text_alone_may_stay_a_text(table, tmp_path):
    settings = {"features": ["text"], "texts": {"text": "raw"}, "missing": {"text": "drop"}}
    dataset = Csv(file=str(table), target="y", **settings)
    split = dataset.load("train", None)
    assert (dataset.describe().inputs.shape, dataset.describe().inputs.dtype) == ((), "string")
    assert split.inputs[1].startswith(b"Great,")
    text = RECIPE.replace("FILE", str(table)).replace("categories: [colour], texts: {text: 12}", RAW)
    text = text.replace("model:", "  preprocess: [TextVectorization]\nmodel:").replace(
        "    layers:\n",
        "    layers:\n      - Embedding: {input_dim: 30, output_dim: 4}\n      - GlobalAveragePooling1D\n",
    )
    (tmp_path / "r.yaml").write_text(text)
    built = build_model(load_recipe(str(tmp_path / "r.yaml")).recipe, dataset.describe())
    assert built.raw_spec.shape == ()
    assert [layer.name for layer in built.preprocess.layers][1:] == ["text_vectorization", "at_least_one_step"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"texts": {"text": "raw"}}, "a raw text must be the only feature"),
        ({"texts": {"text": 9}, "categories": ["text"]}, "'text' is in categories and in texts"),
        ({"texts": {"text": 9}, "missing": {"text": "none"}}, "'none' is no rule for the text 'text'"),
        ({"texts": {"txt": 9}}, "'txt' in texts is not a feature"),
        ({"texts": {"text": 9}}, "column 'text' has no value"),
        ({}, r"contains text, such as .* if it is prose, data.source.csv.texts: {text: 2000}"),
    ],
)
def test_settings_of_texts_that_cannot_work_are_refused(table, settings, says):
    with pytest.raises(InputError) as caught:
        Csv(file=str(table), target="y", **{"categories": ["colour"], **settings}).describe()
    assert re.search(says, f"{caught.value} {caught.value.problems[0].hint}")


def test_splits_are_read_as_cells(trained):
    assert read_split(trained, "test").inputs.shape == (20, 3)
