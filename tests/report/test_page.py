"""Pages of every task, of unfinished runs, and of runs from others."""

import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest

from dlkit.diagnosis.diagnose import diagnose
from dlkit.recipe import load_recipe
from dlkit.report.card import write_card
from dlkit.report.page import write_page
from dlkit.runs.directory import RunDirectory
from dlkit.training.run import train_recipe

HOSTILE = '</script><script>alert("x")</script><img src=//evil.example/x onerror=alert(1)>'
CARD = ["Model details", "Intended use", "Factors", "Metrics", "Training data", "Evaluation data"]
CARD += ["Quantitative analyses", "Ethical considerations", "Caveats and recommendations"]
SEGMENTATION = """
recipe: 1
name: tiny_masks
task: segmentation
data:
  source: {arrays: {train: masks.npz, classes: 2}}
  validation: {fraction: 0.25, seed: 0}
  preprocess: [{Rescaling: {scale: 1/255}}]
model: {sequential: {layers: [{Conv2D: {filters: 1, kernel_size: 3, padding: same, activation: sigmoid}}]}}
training: {epochs: 1, batch_size: 8, optimizer: Adam}
"""
AUTOENCODER = """
recipe: 1
name: tiny_codes
task: autoencoding
data: {source: digits, limit: 200, validation: {fraction: 0.2, seed: 0}, preprocess: [{Rescaling: {scale: 1/255}}]}
model:
  sequential:
    layers:
      - Flatten
      - {Dense: {units: 4}}
      - {Dense: {units: 64, activation: sigmoid}}
      - {Reshape: {target_shape: [8, 8, 1]}}
training: {epochs: 1, optimizer: Adam}
"""
TEXTS = """
recipe: 1
name: tiny_texts
task: classification
data:
  source: {text_lines: {directory: DIRECTORY, files: {bad: bad.txt, good: good.txt}}}
  validation: {fraction: 0.25, seed: 0}
  preprocess: [{TextVectorization: {max_tokens: 20, output_mode: multi_hot, pad_to_max_tokens: true}}]
model: {sequential: {layers: [{Dense: {units: 2, activation: softmax}}]}}
training: {epochs: 40, batch_size: 16, seed: 0, optimizer: {Adam: {learning_rate: 0.02}}}
"""


class Checked(HTMLParser):
    """Collects the tags and addresses of a page, and checks that tags are closed in order."""

    VOID = ("meta", "link", "img", "br", "input", "line")

    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.tags = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def checked(path):
    """Return the text of a page, which must be well-formed and ask for nothing from outside."""
    text = path.read_text(encoding="utf-8")
    found = Checked()
    found.feed(text)
    assert found.open == []
    assert all(address.startswith(("#", "data:")) for address in found.addresses)
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|serviceWorker", text)
    ids = [attrs["id"] for _, attrs in found.tags if "id" in attrs]
    assert len(set(ids)) == len(ids)
    assert all("alt" in attrs for tag, attrs in found.tags if tag == "img")
    return text


def copied(run, tmp_path):
    return RunDirectory(shutil.copytree(run.path, tmp_path / run.path.parent.name / "copy"))


def trained(tmp_path, silent, text, *settings):
    (tmp_path / "recipe.yaml").write_text(text)
    return train_recipe(load_recipe(tmp_path / "recipe.yaml", settings), tmp_path / "runs", silent()).run


def test_the_page_of_a_classifier_has_everything_that_the_run_has(trained_run, exported_run, tmp_path, dlkit):
    run = copied(trained_run, tmp_path)
    shutil.copytree(exported_run[0], run.path / "exports/saved_model/digits_mlp/1")
    dlkit("evaluate", run.path, "--split", "validation")
    done = dlkit("report", run.path, "--json")
    text = checked(run.path / "report.html")
    assert json.loads(done.out)["bytes"] == len(text.encode()) < 1_000_000
    assert "4,810 parameters" in text
    assert "64 * 64 + 64 = 4,160" in re.sub(r"\s+", " ", text) or "4,160" in text
    metrics = run.read_json("metrics.json")["evaluation"]["validation"]["metrics"]
    assert f"{metrics['accuracy']:.4f}" in text
    with np.load(run.path / "answers_validation.npz") as answers:
        right, wrong = int(answers["correct"].sum()), int((~answers["correct"]).sum())
    assert f"{right} of {right + wrong} right" in text
    assert text.count("answer: ") == min(wrong, 10)
    assert "expected calibration error" in text
    assert '<span class="passed">passed</span>, largest difference' in text
    assert f"dlkit reproduce {run.path}" in text
    assert "dlkit train recipe.yaml --set training.epochs=3" in text
    assert "learning_rate: 0.002" in text


@pytest.mark.parametrize("with_figures", [True, False])
def test_a_regression_without_validation_has_its_figure_and_table(tmp_path, silent, dlkit, with_figures):
    run = train_recipe(load_recipe("linear_regression", ["training.epochs=2"]), tmp_path / "runs", silent()).run
    dlkit("evaluate", run.path, "--split", "train")
    if not with_figures:
        shutil.rmtree(run.path / "figures")
    text = checked(write_page(run, tmp_path / "page.html"))
    assert ('alt="predicted values train"' in text) == with_figures
    assert "rmse" in text
    assert "val_" not in text


def test_a_segmentation_has_its_masks(tmp_path, silent, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 1), np.uint8)
    np.savez(tmp_path / "masks.npz", x=images, y=(images[..., 0] > 127).astype(np.uint8))
    text = checked(write_page(trained(tmp_path, silent, SEGMENTATION), tmp_path / "page.html"))
    assert 'alt="segmentation validation"' in text
    assert "iou" in text


def test_an_autoencoder_has_its_reconstructions(tmp_path, silent):
    text = checked(write_page(trained(tmp_path, silent, AUTOENCODER), tmp_path / "page.html"))
    assert 'alt="reconstructions validation"' in text
    assert "psnr by epoch" in text


def test_texts_are_shown_where_they_are_mistaken_or_labelled_wrong(tmp_path, silent):
    draws, lines = np.random.default_rng(0), {"bad": [], "good": []}
    for number in range(400):
        truth, wrong = ("bad", "good") if number % 2 else ("good", "bad")
        words = [*draws.choice(["a", "film", "with", "music"], 4), {"bad": "dull", "good": "great"}[truth]]
        lines[wrong if number % 40 < 2 else truth].append(f"{' '.join(words)} {number} {HOSTILE * (number % 80 < 2)}")
    for name, texts in lines.items():
        (tmp_path / f"{name}.txt").write_text("\n".join(texts))
    run = trained(tmp_path, silent, TEXTS.replace("DIRECTORY", str(tmp_path)))
    assert [finding.kind for finding in diagnose(run).findings] == ["suspect_labels"]
    text = checked(write_page(run, tmp_path / "page.html"))
    suspects, mistakes = re.findall(r'<ul class="texts">.*?</ul>', text, re.DOTALL)
    for shown in (suspects, mistakes):
        pairs = re.findall(r"(dull|great)[^<]*</q><br>(?:labelled|true): (\w+), answer: (\w+)", shown)
        assert {(word, *names) for word, *names in pairs} == {("dull", "good", "bad"), ("great", "bad", "good")}
    assert "evil.example" in suspects + mistakes
    assert "<script>alert" not in text


def test_an_interrupted_run_says_how_to_continue(tmp_path, reporter, stopped):
    run = stopped(load_recipe("digits_mlp", ["training.epochs=3"]), tmp_path / "runs", reporter, 50)
    text = checked(write_page(run, tmp_path / "page.html"))
    assert run.resume_command in text
    assert "unfinished after 1 epochs" in text
    assert "4,810 parameters" in text


def test_what_a_foreign_run_is_named_is_text(trained_run, tmp_path):
    run = copied(trained_run, tmp_path)
    content = run.read_json("data.json")
    content["description"]["class_names"] = [HOSTILE, "\u202eevil\x1b[31m", "a|b`c", *map(str, range(7))]
    run.write_json("data.json", content)
    environment = run.read_json("environment.json")
    run.write_json("environment.json", environment | {"processor": HOSTILE, "overrides": [f"name={HOSTILE}"]})
    (run.path / "recipe.yaml").write_text(f"# {HOSTILE}\n" + (run.path / "recipe.yaml").read_text())
    (run.path / "figures" / "evil.png").write_text(HOSTILE)
    text = checked(write_page(run, tmp_path / "page.html", with_model=True))
    assert "<script>alert" not in text
    assert "<img src=//" not in text
    assert "&lt;/script&gt;&lt;script&gt;alert" in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert 'alt="evil"' not in text
    card = write_card(run, tmp_path / "card.md").read_text()
    assert "<script" not in card
    assert r"a\|b\`c" in card


def test_the_card_has_the_usual_headings_and_the_numbers_of_the_run(trained_run, dlkit, tmp_path):
    done = dlkit("report", trained_run.path, "--card", "--output", tmp_path / "card.md")
    assert done.out == f"written  {tmp_path / 'card.md'}\n"
    text = (tmp_path / "card.md").read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == CARD
    assert "4,810 parameters" in text
    assert "| 0 | 128 |" in text
    assert dlkit("report", trained_run.path, "--card", "--with-model").code == 2
