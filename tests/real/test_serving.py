"""A convolutional net on MNIST behind the server: every answer is the run's, in each runtime; a drawn 7 is a 7."""

import functools
import threading

import numpy as np
import pytest
import requests
from servers import from_folders

from dlkit.export.export import export
from dlkit.export.stored import load_samples
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.training.run import train_recipe

pytestmark = pytest.mark.real
FORMATS = ("saved_model", "onnx", "litert")
SEVEN = [(90, 80), (230, 80), (225, 110), (150, 250)]


@pytest.fixture(scope="module")
def trained(places, silent):
    """A short training, enough for nine digits of ten."""
    loaded = load_recipe("mnist_cnn_fast", ["training.epochs=2", "data.limit=6000"])
    return open_run(train_recipe(loaded, places / "runs", silent()).run)


@pytest.fixture(scope="module")
def exported(trained, places):
    """Give the folder of its export in a format, with its versions."""

    @functools.cache
    def folder(format_name):
        return export(trained, format_name, places / "served" / format_name)[0].parent

    return folder


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_answer_under_load_is_the_runs_own(format_name, trained, exported):
    folder = exported(format_name)
    samples = load_samples(trained.run)
    expected = np.asarray(trained.built.predict_raw(samples)["probabilities"])
    wrong, asked = [], []
    with from_folders(folder) as server:
        url = f"{server.url}/v1/models/{folder.name}:predict"

        def client(first):
            with requests.Session() as session:
                for index in range(first, len(samples), 4):
                    answer = session.post(url, json={"instances": [samples[index].tolist()]}, timeout=60).json()
                    (found,) = answer["predictions"]
                    asked.append(index)
                    if not np.allclose(found["probabilities"], expected[index], atol=1e-4):
                        wrong.append(index)

        threads = [threading.Thread(target=client, args=(first,)) for first in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(asked) == list(range(len(samples)))
        assert wrong == []


def test_the_first_feature_maps_are_those_of_the_network(trained, exported):
    import keras

    (sample,) = samples = load_samples(trained.run)[:1]
    network = trained.built.network
    convolution = next(layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D))
    maps = keras.Model(network.input, convolution.output)(trained.built.preprocess(samples)).numpy()[0]
    for folder in map(exported, FORMATS):
        with from_folders(folder) as server:
            batcher = server.models.models[folder.name].newest.batcher
            found = batcher._backend.feature_maps({"inputs": samples})
            assert found == pytest.approx(maps, abs=1e-5), folder
            url = f"{server.url}/page/features/{folder.name}"
            drawn = requests.post(url, json={"instances": [sample.tolist()]}, timeout=60).json()["maps"]
            assert [(one["height"], one["width"]) for one in drawn] == [maps.shape[:2]] * 16


@pytest.mark.parametrize("width", [400, 1600])
def test_a_drawn_seven_is_a_seven(exported, width, chromium):
    from playwright.sync_api import sync_playwright

    with from_folders(exported("onnx")) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(server.url)
        pad = page.get_by_role("application", name="Drawing area")
        pad.wait_for()
        box = pad.bounding_box()
        points = [(box["x"] + x * box["width"] / 320, box["y"] + y * box["height"] / 320) for x, y in SEVEN]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=8)
        page.mouse.up()
        page.get_by_role("img", name="Feature map 16").wait_for()
        page.wait_for_timeout(500)
        assert page.locator("#answer").inner_text() == "7"
        assert all(url.startswith((server.url, "data:")) for url in asked)
        browser.close()
