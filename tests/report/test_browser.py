"""The network inside a page, in the system's Chromium."""

import json

import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.evaluation.evaluate import read_split
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.report.browser import ACTIVATIONS, LAYERS, network_of
from dlkit.report.page import write_page
from dlkit.training.run import train_recipe

EVERY_LAYER = """
recipe: 1
name: every_layer
task: {classification: {loss: {CategoricalCrossentropy: {from_logits: true}}}}
data: {source: digits, limit: 200, validation: {fraction: 0.2, seed: 0}, preprocess: [Normalization]}
model:
  sequential:
    layers:
      - Conv2D: {filters: 5, kernel_size: 3, strides: 2, padding: same, use_bias: false}
      - BatchNormalization
      - LeakyReLU: {negative_slope: 0.1}
      - Conv2D: {filters: 6, kernel_size: [2, 3], dilation_rate: 1, padding: same, activation: elu}
      - AveragePooling2D: {pool_size: 3, strides: 2, padding: same}
      - Dropout: {rate: 0.1}
      - MaxPooling2D: {pool_size: 2, strides: 1, padding: same}
      - Conv2D: {filters: 8, kernel_size: 1, activation: silu}
      - ReLU
      - GlobalAveragePooling2D
      - Dense: {units: 7, activation: tanh}
      - Activation: {activation: softsign}
      - Dense: {units: 10}
training: {epochs: 1, optimizer: {Adam: {learning_rate: 0.02}}}
"""


@pytest.fixture(scope="module")
def started(chromium):
    """A running Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(started):
    """Open pages in windows without a network; messages of the console and outside requests fail the test."""
    problems, contexts = [], []

    def new(**window):
        contexts.append(started.new_context(offline=True, **window))
        page = contexts[-1].new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: problems.extend(outside(request.url)))
        return page

    yield new
    for context in contexts:
        context.close()
    assert problems == []


def outside(url):
    """Return an address that is not part of a page on disk."""
    return [] if url.startswith(("file:", "data:", "blob:")) else [url]


@pytest.fixture
def browser(opened):
    """A page of an ordinary window."""
    return opened()


@pytest.fixture(scope="module")
def page_of_run(trained_run, tmp_path_factory):
    """The page of a classifier, with its network."""
    return write_page(trained_run, tmp_path_factory.mktemp("page") / "page.html", with_model=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1600])
def test_the_page_can_be_used_by_everyone(opened, page_of_run, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(page_of_run.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    found = [(one["impact"], one["id"], one["nodes"][0]["html"]) for one in Axe().run(page).response["violations"]]
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width  # only tables scroll sideways
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"


def answers(page, path, raw):
    page.goto(path.as_uri())
    rows = [np.ravel(example).tolist() for example in raw]
    return np.array(page.evaluate("rows => rows.map(row => dlkit.run(row))", rows))


def test_the_page_gives_the_answers_of_the_run_on_200_test_examples(browser, trained_run, page_of_run):
    trained = open_run(trained_run)
    raw = read_split(trained, "test").inputs[:200]
    expected = np.asarray(trained.built.predict(raw)["probabilities"])
    found = answers(browser, page_of_run, raw)
    assert (found.argmax(1) == expected.argmax(1)).sum() == 200
    np.testing.assert_allclose(found, expected, atol=1e-5)
    browser.get_by_role("button", name="Next held-out example").click()
    assert "p = " in browser.locator("#answer").inner_text()
    box = browser.locator("#pad").bounding_box()
    browser.mouse.move(box["x"] + 140, box["y"] + 50)
    browser.mouse.down()
    browser.mouse.move(box["x"] + 140, box["y"] + 230, steps=5)
    browser.mouse.up()
    assert browser.locator("#scores tr").count() == 5


def test_every_layer_that_a_page_knows_computes_what_keras_does(browser, tmp_path, silent):
    (tmp_path / "recipe.yaml").write_text(EVERY_LAYER)
    run = train_recipe(load_recipe(tmp_path / "recipe.yaml"), tmp_path / "runs", silent()).run
    trained = open_run(run)
    raw = read_split(trained, "test").inputs[:20]
    expected = np.asarray(trained.built.predict(raw)["probabilities"])
    found = answers(browser, write_page(run, tmp_path / "page.html", with_model=True), raw)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_every_activation_is_that_of_keras(browser, page_of_run):
    browser.goto(page_of_run.as_uri())
    values = np.linspace(-7, 7, 29).astype("float32")
    for name in ACTIVATIONS:
        found = browser.evaluate("([name, x]) => dlkit.activate(name, x)", [name, values.tolist()])
        expected = np.asarray(keras.activations.get(name)(keras.ops.convert_to_tensor(values[None])))[0]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6, err_msg=name)


def test_layers_that_a_page_cannot_run_are_named(tmp_path, silent):
    text = EVERY_LAYER.replace("- ReLU", "- LayerNormalization")
    (tmp_path / "recipe.yaml").write_text(text)
    run = train_recipe(load_recipe(tmp_path / "recipe.yaml"), tmp_path / "runs", silent()).run
    with pytest.raises(InputError, match="a page cannot run LayerNormalization") as caught:
        network_of(open_run(run))
    assert all(name in caught.value.problems[0].hint for name in LAYERS)


def test_the_classes_of_the_page_are_those_of_the_run(trained_run):
    found = network_of(open_run(trained_run))
    assert found["classes"] == [str(digit) for digit in range(10)]
    assert [layer["kind"] for layer in found["layers"]] == [
        *("Affine", "Flatten", "Dense", "Activation", "Dense", "Activation")
    ]
    assert len(json.dumps(found)) < 100_000
