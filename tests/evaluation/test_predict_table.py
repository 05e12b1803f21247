"""A run on a table reads other tables by the names of their columns, and its export takes the same raw cells."""

import numpy as np
import pytest
import tensorflow as tf

from dlkit.errors import InputError, MissingError
from dlkit.evaluation.predict import predict
from dlkit.export.export import export
from dlkit.model.splits import read_split
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.training.run import train_recipe

RECIPE = """
recipe: 1
name: rows
task: classification
data:
  source: {csv: {file: FILE, target: y, test_fraction: 0.25, categories: [colour], missing: {a: mean, colour: none}}}
  validation: {fraction: 0.25}
  preprocess: [Normalization]
model:
  sequential:
    layers:
      - Dense: {units: 2, activation: softmax}
training: {epochs: 1, optimizer: {Adam: {learning_rate: 0.1}}}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory, silent):
    folder = tmp_path_factory.mktemp("rows")
    rng = np.random.default_rng(0)
    values = [(f"{rng.normal():.3f}" if i % 5 else "", ["red", "green", ""][i % 3], "pq"[i % 2]) for i in range(60)]
    (folder / "t.csv").write_text("a,colour,y\n" + "".join(",".join(row) + "\n" for row in values))
    (folder / "r.yaml").write_text(RECIPE.replace("FILE", str(folder / "t.csv")))
    return open_run(train_recipe(load_recipe(str(folder / "r.yaml")), folder / "runs", silent()).run)


def probabilities(results):
    return np.asarray([list(row["probabilities"].values()) for row in results])


def test_rows_in_another_order_give_the_answers_of_evaluation(trained, tmp_path):
    rows = read_split(trained, "test").inputs
    text = "colour,a\n" + "".join(f"{colour.decode()}, {a.decode() or 'NA'}\n\n" for a, colour in rows)
    (tmp_path / "new.csv").write_text(text)
    results = predict(trained, [tmp_path / "new.csv"])
    assert [row["input"] for row in results[:2]] == [f"{tmp_path / 'new.csv'}:2", f"{tmp_path / 'new.csv'}:4"]
    np.testing.assert_allclose(
        probabilities(results), trained.built.predict_raw(tf.constant(rows))["probabilities"], atol=1e-6
    )


def test_the_export_takes_raw_cells(trained, reload_here, tmp_path):
    path, certificate = export(trained, "saved_model", tmp_path / "out")
    assert certificate["passed"]
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    (tmp_path / "new.csv").write_text("a,colour\n1.5,red\n,\n-1,green\n")
    answers = serve(inputs=tf.constant([["1.5", " red"], ["NaN", ""], ["-1", "green"]]))
    expected = predict(trained, [tmp_path / "new.csv"])
    np.testing.assert_allclose(answers["probabilities"], probabilities(expected), atol=1e-6)
    assert [label.decode() for label in answers["label"].numpy()] == [row["label"] for row in expected]
    with pytest.raises(tf.errors.InvalidArgumentError, match="unknown category"):
        serve(inputs=tf.constant([["1", "blue"]]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="not a number"):
        serve(inputs=tf.constant([["much", "red"]]))


def test_what_does_not_fit_is_named(trained, tmp_path):
    def refused(text, error=InputError):
        (tmp_path / "new.csv").write_text(text)
        with pytest.raises(error) as caught:
            predict(trained, [tmp_path / "new.csv"])
        return str(caught.value)

    assert "missing: 'colour'; additional: 'color'" in refused("a,color\n1,red\n")
    assert "additional: 'id'" in refused("id,a,colour,y\n0,1,red,p\n")
    assert "new.csv:3: column 'colour' has the category 'blue'" in refused("a,colour\n1,red\n1,blue\n")
    assert "new.csv:2: column 'a' is not a finite number: '1_0'" in refused("a,colour\n1_0,red\n2,red\n")
    np.savez(tmp_path / "x.npz", x=np.zeros((2, 2)))
    with pytest.raises(InputError, match=r"x.npz contains arrays, but this model takes rows of a table: a, colour"):
        predict(trained, [tmp_path / "x.npz"])
    with pytest.raises(MissingError, match="no such file"):
        predict(trained, [tmp_path / "none.csv"])


def test_a_run_on_other_data_reads_no_table(trained_run, tmp_path):
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match=r"t.csv is a table, but this model takes images"):
        predict(open_run(trained_run), [tmp_path / "t.csv"])
