"""The verbs on the whole path, through the command line's own entry: what they print, and the codes they exit with."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image


def test_train_prints_a_plain_line_per_epoch_and_one_json(dlkit, tmp_path):
    code, out, err = dlkit("train", "digits_mlp", "--set", "training.epochs=3", "--runs-dir", tmp_path, "--json")
    assert code == 0
    result = json.loads(out)
    assert set(result) == {"run", "recipe", "metrics", "updates", "contract"}
    assert (result["recipe"], result["updates"]) == ("digits_mlp", 3 * 41)
    assert result["contract"] == {"passed": True, "differences": []}
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(result["metrics"])
    lines = [line for line in err.splitlines() if line.startswith("epoch ")]
    assert [line.split()[1] for line in lines] == ["0/3", "1/3", "2/3"]  # as in history.csv
    assert not any(ord(letter) < 32 for letter in err.replace("\n", ""))


def test_evaluate_checks_the_contract_unless_overridden(dlkit, trained_run, tmp_path):
    code, out, _ = dlkit("evaluate", trained_run.path, "--json")
    result = json.loads(out)
    assert code == 0
    assert set(result) == {"run", "recipe", "split", "checkpoint", "metrics", "contract"}
    assert result["split"] == "test"
    _, table, _ = dlkit("evaluate", trained_run.path)
    assert "not checked: overridden" in table
    copy = shutil.copytree(trained_run.path, tmp_path / "digits_mlp" / "run")
    content = json.loads((copy / "environment.json").read_text())
    (copy / "environment.json").write_text(json.dumps(content | {"overrides": []}))
    resolved = (copy / "resolved.yaml").read_text()
    (copy / "resolved.yaml").write_text(resolved.replace("at_least: 0.95", "at_least: 0.999"))
    code, out, _ = dlkit("evaluate", copy, "--json")
    contract = json.loads(out)["contract"]
    assert code == 1
    assert contract["passed"] is False
    assert contract["differences"][0].startswith("accuracy is 0.")
    assert contract["differences"][0].endswith("expected at least 0.999")


def test_evaluate_refuses_data_that_has_changed(dlkit, trained_run, tmp_path):
    copy = shutil.copytree(trained_run.path, tmp_path / "digits_mlp" / "run")
    content = json.loads((copy / "data.json").read_text())
    content["fingerprints"]["validation"]["inputs"] = "0" * 64
    (copy / "data.json").write_text(json.dumps(content))
    code, _, err = dlkit("evaluate", copy, "--split", "validation")
    assert code == 1
    assert "the validation data differs from the data of" in err
    assert "Traceback" not in err


def test_predict_gives_label_and_probabilities(dlkit, trained_run, tmp_path):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "black.png")
    code, out, _ = dlkit("predict", tmp_path / "black.png", "--run", trained_run.path, "--json")
    assert code == 0
    (answer,) = json.loads(out)
    assert set(answer) == {"input", "label", "probability", "probabilities"}
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    code, _, err = dlkit("predict", tmp_path / "white.png", "--run", trained_run.path)
    assert code == 3
    assert "no such file or folder" in err


def test_export_and_verify(dlkit, trained_run, tmp_path, reload_here):
    code, out, _ = dlkit("export", trained_run.path, "--output", tmp_path, "--json")
    assert code == 0
    result = json.loads(out)
    assert set(result) == {"run", "format", "path", "certificate"}
    code, out, _ = dlkit("export", "--verify", result["path"])
    assert code == 0
    assert out.startswith("verified")
    (tmp_path / "digits_mlp" / "1" / "class_names.json").write_text('["x"]')
    code, _, err = dlkit("export", "--verify", tmp_path)
    assert code == 2
    code, _, err = dlkit("export", "--verify", tmp_path / "digits_mlp")
    assert code == 1
    assert "class_names.json was changed" in err
    code, _, err = dlkit("export", trained_run.path, "--format", "savedmodel")
    assert code == 2
    assert "did you mean 'saved_model'" in err


def test_summary_has_the_documented_json_and_the_arithmetic(dlkit):
    code, out, _ = dlkit("summary", "digits_mlp", "--json")
    assert code == 0
    result = json.loads(out)
    assert result["recipe"] == "digits_mlp"
    assert result["parameters"] == {"total": 4810, "trainable": 4810, "non_trainable": 0}
    assert result["layers"][0] == {"layer": "Dense", "name": "dense", "output_shape": [64], "parameters": 4160} | {
        "frozen": False,
        "inner": [],
    }
    assert result["contract"] == {"passed": True, "differences": []}
    _, text, _ = dlkit("summary", "digits_mlp", "--explain")
    assert "64*64 + 64 = 4,160" in text


def test_summary_names_the_first_row_that_differs(dlkit):
    code, out, _ = dlkit("summary", "digits_mlp", "--set", "model.sequential.layers.0.Dense.units=65")
    assert code == 1
    assert "contract failed: total parameters: expected 4,810, found 4,885" in out
    assert "contract failed: row 1: expected [Dense, [64], 4,160], found [Dense, [65], 4,225]" in out


def test_a_run_has_its_summary_too(dlkit, trained_run):
    code, out, _ = dlkit("summary", trained_run.path)
    assert code == 0
    assert "total 4,810" in out


def test_build_problems_are_located(dlkit):
    code, _, err = dlkit("train", "digits_mlp", "--set", "model.sequential.layers.2.Dense.units=9")
    assert code == 2
    assert "the last layer returns [9] for 10 classes" in err
    code, _, err = dlkit("validate", "digits_mlp", "--build", "--set", "data.preprocess=[{Flatten: {}}, {Flatten: {}}]")
    assert code == 0
    pool = "model.sequential.layers=[{MaxPooling2D: {pool_size: 3}}, {Flatten: {}}, {Dense: {units: 10}}]"
    code, _, err = dlkit("validate", "digits_mlp", "--build", "--set", pool)
    assert code == 2
    assert "MaxPooling2D cannot take an input of shape [64]" in err


def test_resume_goes_on_and_refuses_another_recipe(dlkit, tmp_path, trained_run):
    copy = shutil.copytree(trained_run.path, tmp_path / "digits_mlp" / "run")
    (copy / "metrics.json").unlink()
    resume = ("train", "digits_mlp", "--resume", "--runs-dir", tmp_path)
    code, _, err = dlkit(*resume, "--set", "training.batch_size=16")
    assert code == 1
    assert "training.batch_size was 32, is 16" in err
    code, out, _ = dlkit(*resume, "--set", "training.epochs=5", "--json")
    assert code == 0
    assert json.loads(out)["updates"] == 5 * 41
    assert len((copy / "history.csv").read_text().splitlines()) == 6
    code, _, err = dlkit(*resume)
    assert code == 3
    assert "there is no unfinished run of 'digits_mlp'" in err


def test_list_and_remove_runs(dlkit, tmp_path, trained_run):
    copy = shutil.copytree(trained_run.path, tmp_path / "digits_mlp" / "run")
    code, out, _ = dlkit("list", "runs", "--runs-dir", tmp_path, "--json")
    assert code == 0
    assert [entry["name"] for entry in json.loads(out)] == [str(copy)]
    code, _, _ = dlkit("runs", "rm", copy, "--runs-dir", tmp_path)
    assert code == 0
    assert not copy.exists()


def test_a_pipe_gets_what_is_being_done_and_plain_epoch_lines_on_stderr(dlkit, tmp_path):
    code, out, err = dlkit("train", "digits_mlp", "--set", "training.epochs=2", "--runs-dir", tmp_path)
    assert code == 0
    lines = [line for line in err.splitlines() if "forecast" not in line]  # a slow machine gives one, and a new one
    assert lines[:2] == ["starting TensorFlow", "reading the data and building the network"]
    assert lines[2].startswith("examples: train 1,293, validation 144; parameters: 4,810; device: CPU, ")
    assert [line.partition("  ")[0] for line in lines[3:5]] == ["epoch 0/2", "epoch 1/2"]
    assert out.startswith("trained ")
    assert not any(ord(letter) < 32 for letter in (out + err).replace("\n", ""))
    assert "epoch 0" not in out
