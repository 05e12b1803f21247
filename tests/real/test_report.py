"""The lecture's convolutional network inside a page, on MNIST."""

import numpy as np
import pytest

from dlkit.evaluation.evaluate import read_split
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.report.page import write_page
from dlkit.training.run import train_recipe

pytestmark = pytest.mark.real


def test_mnist_cnn_in_a_page_gives_the_answers_of_the_run_on_200_test_examples(tmp_path, silent):
    from playwright.sync_api import sync_playwright

    settings = ["data.limit=3000", "training.epochs=1"]
    run = train_recipe(load_recipe("mnist_cnn", settings), tmp_path / "runs", silent()).run
    path = write_page(run, tmp_path / "page.html", with_model=True)
    assert path.stat().st_size < 3_000_000
    trained = open_run(run)
    raw = read_split(trained, "test").inputs[:200]
    expected = np.asarray(trained.built.predict(raw)["probabilities"])
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = chromium.new_context(offline=True).new_page()
        page.goto(path.as_uri())
        rows = [np.ravel(example).tolist() for example in raw]
        found = np.array(page.evaluate("rows => rows.map(row => dlkit.run(row))", rows))
        chromium.close()
    assert (found.argmax(1) == expected.argmax(1)).sum() == 200
    np.testing.assert_allclose(found, expected, atol=1e-5)
