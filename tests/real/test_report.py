"""The lecture's convolutional network inside a page, on MNIST; runs of real digits compared."""

import numpy as np
import pytest

from dlkit.evaluation.evaluate import evaluate, read_split
from dlkit.experiments.compare import compare
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.report.page import write_page
from dlkit.training.run import train_recipe

pytestmark = pytest.mark.real


def test_mnist_cnn_in_a_page_gives_the_answers_of_the_run_on_200_test_examples(tmp_path, silent, chromium):
    from playwright.sync_api import sync_playwright

    settings = ["data.limit=3000", "training.epochs=1"]
    run = train_recipe(load_recipe("mnist_cnn", settings), tmp_path / "runs", silent()).run
    path = write_page(run, tmp_path / "page.html", with_model=True)
    assert path.stat().st_size < 3_000_000
    trained = open_run(run)
    raw = read_split(trained, "test").inputs[:200]
    expected = np.asarray(trained.built.predict(raw)["probabilities"])
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_context(offline=True).new_page()
        page.goto(path.as_uri())
        rows = [np.ravel(example).tolist() for example in raw]
        found = np.array(page.evaluate("rows => rows.map(row => dlkit.run(row))", rows))
        browser.close()
    assert (found.argmax(1) == expected.argmax(1)).sum() == 200
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_two_seeds_are_not_distinguishable_and_a_better_recipe_is_named(tmp_path, silent):
    def run(*settings):
        made = train_recipe(load_recipe("digits_mlp", settings), tmp_path, silent()).run
        evaluate(open_run(made), "test")
        return made

    first, other, worse = run(), run("training.seed=1"), run("training.epochs=2")
    seeds, epochs = compare([first, other, worse])["tests"]
    assert (seeds["test"], seeds["verdict"]) == ("McNemar", "not distinguishable")
    assert epochs["verdict"] == f"digits_mlp/{first.path.name} is better"
