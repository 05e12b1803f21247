"""From raw strings to an export: a sentence has one answer, alone, in a batch, from a file and in a SavedModel."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from dlkit.data.report import report
from dlkit.errors import InputError, MissingError
from dlkit.evaluation.evaluate import evaluate, read_split
from dlkit.evaluation.predict import predict
from dlkit.export.export import export
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.safety.saved_models import saved_model_contents
from dlkit.training.run import resume_run, train_recipe

RECIPE = """
recipe: 1
name: sentences
task: classification
data:
  source: {text_lines: {directory: DIRECTORY, files: {bad: bad.txt, good: good.txt}, encoding: cp1252}}
  validation: {fraction: 0.25, seed: 0}
  preprocess:
    - TextVectorization: {max_tokens: 40}
model:
  sequential:
    layers:
      - Embedding: {input_dim: 40, output_dim: 4, mask_zero: true}
      - Conv1D: {filters: 4, kernel_size: 3, padding: same}
      - Bidirectional: {layer: {LSTM: {units: 3, return_sequences: true}}}
      - GlobalMaxPooling1D
      - Dense: {units: 2, activation: softmax}
training: {epochs: 2, batch_size: 8, seed: 0, optimizer: {Adam: {learning_rate: 0.05}}}
"""
WORDS = ["a", "film", "that", "is", "not", "only", "dull", "but", "long", "and", "loud", "with", "no", "plot"]
SENTENCES = ["great", "a dull film", "caf\u00e9 \u2026 no plot , not only long but loud", "", "nothing known here", "!"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sentences")
    generator = np.random.default_rng(0)
    for name, mark in (("bad", "dull \u2026"), ("good", "great")):
        lines = [" ".join([*generator.choice(WORDS, generator.integers(1, 12)), mark]) for _ in range(40)]
        (folder / f"{name}.txt").write_bytes(
            "".join(f"{line} {n}\r\n" for n, line in enumerate(lines)).encode("cp1252")
        )
    (folder / "r.yaml").write_text(RECIPE.replace("DIRECTORY", str(folder)))
    return folder


@pytest.fixture(scope="module")
def trained(folder, silent):
    return open_run(train_recipe(load_recipe(str(folder / "r.yaml")), folder / "runs", silent()).run)


def probabilities(trained, texts):
    return np.asarray(trained.built.predict_raw(tf.constant(texts))["probabilities"])


def test_a_run_that_is_opened_again_has_the_vocabulary_and_the_metrics_of_its_training(trained):
    known = json.loads((trained.run.path / "vocabulary.json").read_text())[0]["words"]
    assert {"dull", "great", "film", "\u2026"} <= set(known)
    assert len(known) <= 38
    stored = trained.run.read_json("metrics.json")["training"]["metrics"]
    assert evaluate(trained, "validation")["loss"] == pytest.approx(stored["val_loss"], abs=1e-6)
    assert evaluate(trained, "test")["accuracy"] > 0.8


def test_a_sentence_has_one_answer_wherever_it_stands(trained):
    together = probabilities(trained, SENTENCES)
    assert np.isfinite(together).all()
    for sentence, answer in zip(SENTENCES, together, strict=True):
        np.testing.assert_allclose(probabilities(trained, [sentence])[0], answer, atol=1e-6)
        np.testing.assert_allclose(probabilities(trained, [sentence, "film " * 90])[0], answer, atol=1e-6)


def test_texts_are_predicted_from_lines_in_the_encoding_of_training(trained, tmp_path):
    texts = [text for text in SENTENCES if text]
    (tmp_path / "new.txt").write_bytes("\n".join(texts).encode("cp1252"))
    found = predict(trained, [tmp_path / "new.txt"])
    assert [row["input"] for row in found] == [f"{tmp_path / 'new.txt'}:{n}" for n in range(1, 6)]
    answers = [list(row["probabilities"].values()) for row in found]
    np.testing.assert_allclose(answers, probabilities(trained, texts), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.txt", b"fine\n\nfine\n", r"a.txt:2: the text is empty"),
        ("a.txt", b"fine\nb\x81d\n", r"a.txt:2: byte 0x81 cannot be read as cp1252"),
        ("a.txt", b"fine\nbell\x07\n", r"a.txt:2: character 5 is the control character U\+0007"),
        ("a.txt", b"", r"a.txt is empty"),
        ("a.txt", b"word " * 1_000_000, r"a.txt:1: the text has 5,000,000 characters, but at most 100,000"),
        ("a.npy", b"", r"a.npy contains arrays, but this model takes texts"),
        ("a.csv", b"text\nfine\n", r"a.csv is a table, but this model takes texts"),
        ("a.jpg", b"", r"a.jpg is an image, but this model takes texts"),
    ],
)
def test_broken_texts_are_named(trained, tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=says):
        predict(trained, [tmp_path / name])


def test_a_folder_without_texts_is_named(trained, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(MissingError, match="no texts in"):
        predict(trained, [tmp_path])


def test_the_export_takes_raw_strings_and_is_safe_to_load(trained, reload_here, tmp_path):
    path, certificate = export(trained, "saved_model", tmp_path / "out")
    assert certificate["passed"]
    assert saved_model_contents(path).problems == []
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    answer = serve(inputs=tf.constant(SENTENCES))
    np.testing.assert_allclose(answer["probabilities"], probabilities(trained, SENTENCES), atol=1e-6)
    assert answer["label"].numpy().tolist()[:2] == [b"good", b"bad"]


def test_a_damaged_vocabulary_is_an_error(trained, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(trained.run.path, copy)
    (copy / "vocabulary.json").write_text('[{"words": [1], "weights": null}]')
    with pytest.raises(InputError, match=r"vocabulary.json does not contain the words of this run"):
        open_run(type(trained.run)(copy))


def test_a_training_that_was_stopped_continues_with_the_same_buckets(folder, trained, stopped, reporter, tmp_path):
    loaded = load_recipe(str(folder / "r.yaml"))
    run = stopped(loaded, tmp_path / "runs", reporter, 5)
    resume_run(loaded, run, reporter)
    pairs = zip(open_run(run).built.network.weights, trained.built.network.weights, strict=True)
    assert all(np.array_equal(found, wanted) for found, wanted in pairs)


def test_the_report_says_what_the_vocabulary_covers(folder):
    found = report(load_recipe(str(folder / "r.yaml")).recipe)["words"]["text"]
    assert found["vocabulary"] == 38
    train = found["splits"]["train"]
    assert train["coverage"] + train["out_of_vocabulary"] == pytest.approx(1)
    assert 0.8 < train["coverage"] < 1 > found["splits"]["test"]["coverage"] > 0.7
    assert train["words_per_text"]["shortest"] >= 3


def test_examples_are_named_by_their_lines(trained):
    split = read_split(trained, "test")
    assert split.name(0, "test").rsplit(":", 1)[0].endswith("bad.txt")
