"""docs/experiments.md: every command of the page, in order, in an empty folder; trainings in this process."""

import json
from pathlib import Path

import pytest

from dlkit.experiments import gradient_plan
from dlkit.experiments.trial import Trial
from dlkit.recipe import load_recipe


@pytest.fixture
def in_this_process(monkeypatch, silent):
    """Do in this process what the page's commands do in children, which take seconds to start."""
    from dlkit.experiments.gradients import gradient_norms
    from dlkit.training.run import train_recipe

    def fold(self, resume, reported):
        settings = [*self._loaded.overrides, *self._settings, "expect={}"]
        train_recipe(load_recipe(self._loaded.path, settings), self._folder, silent())
        return False, 0, ""

    def gradients(words):
        settings = [words[place + 1] for place, word in enumerate(words) if word == "--set"]
        return {"measurements": [gradient_norms(load_recipe(words[1], settings), 2, 5)]}

    monkeypatch.setattr(Trial, "_child", fold)
    monkeypatch.setattr(gradient_plan, "json_of_child", gradients)


@pytest.mark.real
def test_the_commands_of_the_page_work(page_commands, dlkit, tmp_path, monkeypatch, in_this_process):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("DLKIT_RUNS", str(tmp_path / "runs"))
    out = {}
    for program, *words in page_commands("docs/experiments.md"):
        assert program == "dlkit"
        done = dlkit(*words)
        assert done.code == 0, f"{words}: {done.error}"
        out[" ".join(words[:2])] = done.out
    assert "labelled: 50 of 1,293 examples of train" in out["data digits_mlp"]
    assert "kernel two components, classes separated by lines: 100 %" in out["pca circles_mlp"]
    runs = tmp_path / "runs"
    attacks = sorted(path.parent.name for path in runs.glob("digits_mlp/*/attacks/*/attack.json"))
    names = ["fgsm-16-untargeted", "pgd-16-untargeted", "pixels-1-untargeted", "pixels-3-targeted"]
    assert [name.rpartition("-")[0] for name in attacks] == names
    figures = {path.name for path in runs.glob("digits_mlp/**/figures/*.png")}
    assert {"lesion.png", "gradients.png", "pca.png", "folds.png", f"attack_{attacks[0]}.png"} <= figures


def test_pca_of_circles_fails_and_kernel_pca_does_not(dlkit, tmp_path):
    done = dlkit("pca", "circles_mlp", "--gamma", 10, "--runs-dir", tmp_path, "--json")
    found = json.loads(done.out)
    assert found["separable"]["kernel"] == 1
    assert found["separable"]["linear"] < 0.7
    assert sum(found["explained_variance_ratio"]) == pytest.approx(1)
    assert Path(found["folder"]) == tmp_path / "circles_mlp" / "pca"


def test_pca_of_codes_is_that_of_the_encoder(dlkit, tmp_path, silent):
    import numpy as np

    from dlkit.training.run import train_recipe

    small = ["data.source=digits", "data.limit=60", "training.epochs=1", "expect={}"]
    decoder = "[{Dense: {units: 64, activation: sigmoid}}]"
    layers = f"model.autoencoder={{encoder: [{{Dense: {{units: 5}}}}], decoder: {decoder}}}"
    run = train_recipe(load_recipe("ae_simple", [*small, layers]), tmp_path, silent()).run
    done = dlkit("pca", "ae_simple", "--codes", "--runs-dir", tmp_path, "--json")
    assert done.code == 0, done.error
    found = json.loads(done.out)
    assert (found["of"], found["values"], found["folder"]) == ("codes", 5, str(run.path))
    dlkit("encode", run.path, "--split", "train", "--output", tmp_path / "codes.npz")
    with np.load(tmp_path / "codes.npz") as kept:
        variance = np.linalg.eigvalsh(np.cov(kept["codes"].T.astype(float)))[::-1]
    assert found["explained_variance_ratio"] == pytest.approx((variance / variance.sum()).tolist(), abs=1e-5)
