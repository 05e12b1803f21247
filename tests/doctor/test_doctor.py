"""The doctor: what is wrong has the right level and a hint, and the trial measures a real training and export."""

import json
from pathlib import Path

import pytest

from dlkit.doctor import checks as diagnosis
from dlkit.doctor import trial
from dlkit.doctor.checks import Finding
from dlkit.doctor.needs import Missing, RecipeNeeds, recipe_needs
from dlkit.doctor.trial import Stopwatch, TimeOver
from dlkit.errors import MissingError
from dlkit.machine.hardware import Disk, Memory
from dlkit.recipe import shipped_recipes

GIGABYTE = int(1e9)


def test_vector_units_decide_on_speed():
    assert diagnosis.check_processor("A", ["AVX2"]) == Finding("processor", "ok", "A: AVX2")
    assert diagnosis.check_processor("A", []).level == "warning"
    assert "mixed_bfloat16" in diagnosis.check_processor("A", ["AVX2", "AVX-512 BF16"]).hint


@pytest.mark.parametrize(("load", "level"), [(1.0, "ok"), (3.0, "warning")])
def test_busy_cores_are_named(load, level):
    assert diagnosis.check_cores(2, load).level == level


@pytest.mark.parametrize(("available", "level"), [(4, "ok"), (2, "warning"), (0.5, "problem")])
def test_little_memory_is_named(available, level):
    finding = diagnosis.check_memory(Memory(8 * GIGABYTE, int(available * GIGABYTE)))
    assert (finding.level, finding.text) == (level, f"{available} GB available of 8 GB")


@pytest.mark.parametrize(
    ("free", "writable", "level"),
    [(9, True, "ok"), (1, True, "warning"), (0, True, "problem"), (9, False, "problem")],
)
def test_little_disk_is_named_with_the_option_that_chooses_another(free, writable, level):
    finding = diagnosis.check_disk("cache", Disk(Path("/x"), free * GIGABYTE, writable))
    assert finding.level == level
    assert ("DLKIT_CACHE" in finding.hint) == (level != "ok")


def test_onednn_that_is_off_is_a_warning():
    assert diagnosis.check_onednn("1") == Finding("oneDNN", "ok", "on")
    assert diagnosis.check_onednn("0").level == "warning"


def test_recipes_name_what_they_lack(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for variable in ("TFDS_DATA_DIR", "DLKIT_RUNS", "KERAS_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    folder = tmp_path / "mnist" / "3.0.1"
    folder.mkdir(parents=True)
    (folder / "dataset_info.json").write_text("{}")
    found = {entry.recipe: entry for entry in recipe_needs(weights=True)}
    assert set(found) == set(shipped_recipes())
    assert found["digits_mlp"] == RecipeNeeds("digits_mlp", "digits")
    assert found["mnist_mlp"] == RecipeNeeds("mnist_mlp", "tfds")
    (lack,) = found["cifar_cnn"].missing
    assert (lack.kind, lack.text) == ("data", f"the dataset 'cifar10' is not in {tmp_path}")
    assert f"copy a prepared folder to {tmp_path / 'cifar10'}" in lack.hint
    (lack,) = found["mlp_agh"].missing
    assert lack.text == "this recipe declares only the shape of its data, there are no examples to read"
    (lack,) = found["image_folder_cnn"].missing
    assert lack.text == "no such folder: photos"
    assert "--set data.source.image_folder.directory=PATH" in lack.hint
    (lack,) = found["unet"].missing
    assert (lack.kind, lack.text) == ("data", "no such folder: isbi2012/train")
    (lack,) = found["mnist_mlp_taught"].missing
    assert (lack.kind, lack.hint[:40]) == ("run", "train it first: dlkit train mnist_cnn_fa")
    assert [lack.kind for lack in found["cifar_to_cifar"].missing] == ["data", "run"]
    _, lack = found["mobilenet_photos"].missing
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"
    assert (lack.kind, lack.text) == ("weights", f"no such file: {tmp_path / 'models' / name}")


def test_a_recipe_is_there_exactly_where_its_data_can_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    ready = {entry.recipe for entry in recipe_needs(weights=False) if not entry.missing}
    assert ready == {
        *("circles_mlp", "digits_mlp", "linear_regression", "logistic_regression"),
        *("lstm_sine", "rnn_adder", "single_neuron"),
    } | {name for name in shipped_recipes() if "csv" in name and name in ready}


@pytest.mark.parametrize(("offline", "level"), [(True, "warning"), (False, "ok")])
def test_what_can_be_downloaded_is_missing_only_offline_and_names_every_recipe_that_needs_it(offline, level):
    data, folder = Missing("data", "no mnist", "fetch it"), Missing("data", "no folder", "make it")
    run, weights = Missing("run", "no run", "train it"), Missing("weights", "no file", "copy it")
    found = [
        RecipeNeeds("a", "digits"),
        RecipeNeeds("b", "tfds", (data,)),
        RecipeNeeds("c", "image_folder", (folder, weights)),
        RecipeNeeds("d", "tfds", (data, run)),
    ]
    assert list(diagnosis.check_needs(found, offline)) == [
        Finding("recipes", "ok", "1 of 4 can be trained here: a"),
        Finding("data", level, "b, d: no mnist", "fetch it"),
        Finding("data", "ok", "c: no folder", "make it"),
        Finding("weights", level, "c: no file", "copy it"),
        Finding("run", "ok", "d: no run", "train it"),
    ]


def test_a_gpu_that_is_not_used_is_a_warning():
    assert diagnosis.check_devices(["H100"], True) == Finding("devices", "ok", "TensorFlow uses H100")
    assert diagnosis.check_devices([], False).level == "ok"
    assert diagnosis.check_devices([], True).level == "warning"


def test_versions_are_those_that_dlkit_asks_for(monkeypatch):
    assert diagnosis.wrong_versions() == []
    monkeypatch.setattr(diagnosis, "requires", lambda name: ["keras<3", "numpy", "absent>=1", "mypy; extra == 'dev'"])
    wrong = diagnosis.wrong_versions()
    assert [text.split(" ")[0] for text in wrong] == ["keras<3", "absent>=1"]
    finding = diagnosis.check_versions({"keras": "3"}, wrong)
    assert finding.level == "problem"
    assert "absent>=1 (now: not installed)" in finding.hint


def test_the_trial_trains_and_exports_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    finding = trial.trial(seconds=0.5)
    assert finding.level in ("ok", "warning")
    assert "images/s" in finding.text
    assert list(tmp_path.glob("dlkit-doctor-*")) == []


def test_a_trial_that_fails_is_a_problem(monkeypatch):
    def refuse(folder, seconds):
        raise MissingError("no disk", "buy one")

    monkeypatch.setattr(trial, "images_per_second", refuse)
    assert trial.trial() == Finding("training", "problem", "failed: no disk", "buy one")
    monkeypatch.setattr(trial, "images_per_second", lambda folder, seconds: 1 / 0)
    assert trial.trial().text == "failed: ZeroDivisionError: division by zero"


def test_the_stopwatch_keeps_times_and_stops():
    watch = Stopwatch(60)
    watch.epoch_done(0, {"seconds": 0.25})
    assert watch.seconds == [0.25]
    with pytest.raises(TimeOver):
        Stopwatch(-1).epoch_done(0, {"seconds": 0.5})


@pytest.mark.parametrize(("level", "code"), [("ok", 0), ("warning", 0), ("problem", 3)])
def test_only_a_problem_is_an_exit_code(monkeypatch, dlkit, tmp_path, level, code):
    from dlkit.cli import doctor

    monkeypatch.setattr(doctor, "_trial", lambda: Finding("training", level, "text", "hint"))
    monkeypatch.setenv("DLKIT_OFFLINE", "1")
    monkeypatch.setattr(diagnosis, "check_memory", lambda found: Finding("memory", "ok", ""))
    monkeypatch.setattr(diagnosis, "check_disk", lambda subject, found: Finding(subject, "ok", str(found.folder)))
    result = dlkit("doctor", "--offline", "--runs-dir", tmp_path, "--json")
    assert result.code == code
    found = json.loads(result.out)
    assert found["healthy"] is (code == 0)
    subjects = ["versions", "processor", "cores", "memory", "runs", "cache", "oneDNN", "devices", "recipes"]
    assert list(dict.fromkeys(finding["subject"] for finding in found["findings"]))[: len(subjects)] == subjects
    nothing = {"there": True, "text": "", "hint": "", "missing": []}
    assert {"recipe": "digits_mlp", "source": "digits"} | nothing in found["recipes"]
    (taught,) = (entry for entry in found["recipes"] if entry["recipe"] == "mnist_mlp_taught")
    assert taught["there"] is False
    assert "run" in [missing["kind"] for missing in taught["missing"]]
    assert found["findings"][-1] == {"subject": "training", "level": level, "text": "text", "hint": "hint"}
