"""The page in headless Chromium: each kind of input by mouse, keyboard, file and text, and for screen readers."""

import shutil
import struct
import wave

import numpy as np
import pytest
from PIL import Image
from served_models import opened, wait_until
from servers import in_memory

from dlkit.serving.backends.backend import Backend
from dlkit.serving.signature import DEFAULT, Signature, TensorSpec

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no system Chromium")


class Made(Backend):
    """A model of one input and the outputs of a function."""

    platform = "python"

    def __init__(self, spec, outputs, function, maps=None):
        self.signatures = {DEFAULT: Signature({"inputs": spec}, outputs)}
        self._function, self._maps = function, maps

    def run(self, signature, inputs):
        return self._function(inputs["inputs"])

    def feature_maps(self, inputs):
        return None if self._maps is None else self._maps(inputs["inputs"][0])


def sides(pixels):
    """Probabilities of left, right and none, by where the bright pixels are."""
    left = pixels[:, :, :14].astype("float32").sum((1, 2, 3)) + 1e-6
    right = pixels[:, :, 14:].astype("float32").sum((1, 2, 3)) + 1e-6
    share = left / (left + right)
    return {"probabilities": np.stack([share, 1 - share], 1).astype("float32")}


def loudness(samples):
    return {"values": np.stack([np.abs(samples).max(1), np.full(len(samples), samples.shape[1])], 1).astype("float32")}


def words(samples):
    """The text of a recording by its length, silence without one."""
    heard = [f"{samples.shape[1] // 100} frames" if np.abs(row).max() > 0 else "" for row in samples]
    return {"text": np.array(heard, object), "confidence": np.full(len(samples), 0.25, "float32")}


def letters(texts):
    share = np.array([[text.decode().count("e") / max(1, len(text))] for text in texts], "float32")
    return {"probabilities": np.concatenate([share, 1 - share], 1)}


def dark(pixels):
    return {"mask": (pixels.mean(-1) < 128).astype("uint8")}


SCORES = {"probabilities": TensorSpec("float32", (None, 2))}
VALUES = {"values": TensorSpec("float32", (None, 2))}
TWO = {"scores": "probabilities", "class_names": ("left", "right")}
MODELS = {
    "draw": opened(
        Made(
            TensorSpec("uint8", (None, 28, 28, 1)), SCORES, sides, lambda x: np.stack([x[..., 0], 255 - x[..., 0]], -1)
        ),
        **TWO,
    ),
    "picture": opened(
        Made(TensorSpec("uint8", (None, None, None, 3)), {"mask": TensorSpec("uint8", (None, None, None))}, dark),
        class_names=("light", "dark"),
    ),
    "sound": opened(Made(TensorSpec("float32", (None, 8000)), VALUES, loudness), sampling_rate=8000),
    "speech": opened(
        Made(
            TensorSpec("float32", (None, None)),
            {"text": TensorSpec("string", (None,)), "confidence": TensorSpec("float32", (None,))},
            words,
        ),
        sampling_rate=8000,
    ),
    "sentence": opened(
        Made(TensorSpec("string", (None,)), SCORES, letters), scores="probabilities", class_names=("e", "others")
    ),
    "table": opened(
        Made(TensorSpec("float32", (None, 2)), VALUES, lambda x: {"values": x * 2}), columns=("height", "width")
    ),
    "numbers": opened(Made(TensorSpec("float32", (None, 2)), VALUES, lambda x: {"values": x + 1})),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with in_memory(tmp_path_factory.mktemp("models"), {(name, 1): item for name, item in MODELS.items()}) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def window(browser):
    """One window for all tests, with every request that it makes and every complaint of the browser."""
    opened = browser.new_page(viewport={"width": 1200, "height": 900})
    opened.asked, opened.complaints = [], []
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.on("console", lambda message: opened.complaints.append(message.text))
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    return opened


@pytest.fixture
def page(window, server):
    """The page, newly loaded; no test may leave a complaint, or have asked another server."""
    opened = window
    opened.goto(server.url)
    until(opened, "model !== null")
    yield opened
    assert opened.complaints == []
    assert all(url.startswith((server.url, "data:", "blob:")) for url in opened.asked)


def until(page, expression, *arguments):
    """Wait until an expression holds on the page, whose security policy forbids Playwright's own way."""
    wait_until(lambda: page.evaluate(expression, *arguments))


def choose(page, name):
    page.get_by_label("Model").select_option(name)


def answer(page, text):
    until(page, "text => $('answer').textContent === text", text)


def test_drawing_moves_the_bars_and_shows_feature_maps(page):
    pad = page.get_by_role("application", name="Drawing area")
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    for step in range(10):
        page.mouse.move(box["x"] + 60, box["y"] + 60 + 18 * step)
    page.mouse.move(box["x"] + 250, box["y"] + 230)
    page.mouse.up()
    answer(page, "left")
    shares = page.get_by_role("list", name="Probabilities").get_by_role("listitem").all_inner_texts()
    assert [text.split("\n")[0] for text in shares] == ["left", "right"]
    assert page.get_by_role("img", name="Feature map 2").is_visible()
    assert "ms, there and back" in page.locator("#latency").inner_text()
    until(page, "$('spoken').textContent.startsWith('left, ')")
    page.get_by_role("button", name="Clear").click()
    assert page.locator("#answer").inner_text() == ""


def test_drawing_by_keyboard(page):
    pad = page.get_by_role("application", name="Drawing area")
    pad.focus()
    for key in ["ArrowLeft"] * 6 + [" "] + ["ArrowDown"] * 3 + ["ArrowRight"] * 14:
        page.keyboard.press(key)
    until(page, "$('answer').textContent !== ''")
    pixels = page.evaluate("[...$('pad').getContext('2d').getImageData(0, 0, 320, 320).data].filter(v => v > 0).length")
    assert pixels > 1000
    page.keyboard.press("Delete")
    assert page.evaluate("$('pad').getContext('2d').getImageData(0, 0, 320, 320).data.every(v => v === 0)")


def test_a_picture_of_dark_ink_on_paper_is_read_as_a_drawing(page, tmp_path):
    array = np.full((100, 100), 255, np.uint8)
    array[20:80, 60:70] = 0
    array[70:80, 20:70] = 0
    Image.fromarray(array).save(tmp_path / "l.png")
    page.get_by_label("Open a picture").set_input_files(tmp_path / "l.png")
    answer(page, "right")


def test_a_picture_gives_a_mask_with_a_legend(page, tmp_path):
    choose(page, "picture")
    array = np.full((40, 60, 3), 255, np.uint8)
    array[:, :15] = 0
    Image.fromarray(array).save(tmp_path / "part.png")
    page.get_by_label("Open a picture").set_input_files(tmp_path / "part.png")
    until(page, "$('legend').textContent.includes('dark 25.0 %')")
    assert page.locator("#picture").evaluate("c => [c.width, c.height]") == [60, 40]
    (tmp_path / "broken.png").write_bytes(b"nothing")
    page.get_by_label("Open a picture").set_input_files(tmp_path / "broken.png")
    until(page, "$('error').textContent === 'broken.png is not a picture that this browser can open'")


def save_sound(path, samples):
    """Write samples from -1 to 1 at 16,000 Hz."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, len(samples), "NONE", ""))
        file.writeframes(struct.pack(f"<{len(samples)}h", *(32767 * samples).astype(int)))


def test_a_recording_is_answered_with_its_text(page, tmp_path):
    choose(page, "speech")
    save_sound(tmp_path / "spoken.wav", np.full(8000, 0.5))
    page.get_by_label("Open a sound").set_input_files(tmp_path / "spoken.wav")
    answer(page, "40 frames")
    assert page.locator("#values").inner_text() == "confidence 25.0 %"
    save_sound(tmp_path / "silent.wav", np.zeros(8000))
    page.get_by_label("Open a sound").set_input_files(tmp_path / "silent.wav")
    answer(page, "(nothing)")


def test_a_sound_is_resampled_to_the_rate_of_the_model(page, tmp_path):
    choose(page, "sound")
    save_sound(tmp_path / "tone.wav", 0.5 * np.sin(np.arange(16_000) * 2 * np.pi * 440 / 16_000))
    page.get_by_label("Open a sound").set_input_files(tmp_path / "tone.wav")
    until(page, "$('values').textContent.includes('values[1]8000')")
    loudest = float(page.locator("td").first.inner_text())
    assert loudest == pytest.approx(0.5, abs=0.02)
    assert page.get_by_role("img", name="The sound tone.wav, 1.0 seconds").is_visible()


def test_a_sentence_is_classified_as_it_is_typed(page):
    choose(page, "sentence")
    page.get_by_label("Type a sentence").fill("eee")
    answer(page, "e")
    page.get_by_label("Type a sentence").fill("eee and more")
    answer(page, "others")


def test_a_row_of_a_table_is_answered_once_it_is_complete(page):
    choose(page, "table")
    page.get_by_label("height").fill("1.5")
    page.get_by_label("width").fill("-3")
    until(page, "$('values').textContent === 'values[0]3values[1]-6'")


def test_other_inputs_are_json_and_errors_are_said(page):
    choose(page, "numbers")
    field = page.get_by_label("One example as JSON: float32 of shape [2]")
    field.fill("[1, 2, 3]")
    until(page, "$('error').textContent.includes('the model takes float [?,2]')")
    page.complaints.clear()  # the browser notes the status 400
    field.fill("[1, 2]")
    until(page, "$('values').textContent === 'values[0]2values[1]3'")
    assert page.get_by_role("alert").is_hidden()


def test_the_page_is_one_file_and_allows_no_other(server):
    import requests

    found = requests.get(server.url, timeout=30)
    assert "default-src 'none'" in found.headers["content-security-policy"]
    assert "src=" not in found.text
    assert found.text.count("href=") == found.text.count('href="data:,"') == 1


@pytest.mark.parametrize(("width", "scheme"), [(400, "dark"), (1600, "light")])
def test_no_serious_finding_of_axe_and_nothing_wider_than_the_window(browser, server, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(server.url)
    until(page, "model !== null")
    for name in ("draw", "sentence", "table"):
        choose(page, name)
        if name == "draw":
            page.get_by_role("application").click()
            answer(page, "right")
        if name == "sentence":
            page.get_by_label("Type a sentence").fill("eee")
            answer(page, "e")
        found = axe.run(page).response["violations"]
        serious = [(item["id"], [node["html"] for node in item["nodes"]]) for item in found]
        assert serious == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    context.close()


def test_a_server_with_a_token_asks_for_it(browser, tmp_path):
    with in_memory(tmp_path, {("numbers", 1): MODELS["numbers"]}, token="secret") as server:
        context = browser.new_context()
        page = context.new_page()
        page.goto(server.url)
        page.get_by_label("Token").fill("secret")
        page.get_by_role("button", name="Use").click()
        until(page, "model !== null && model.name === 'numbers'")
        context.close()
