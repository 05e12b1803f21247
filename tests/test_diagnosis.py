"""The doctor: what is wrong has the right level and a hint, and the trial measures a real training and export."""

import json
from pathlib import Path

import pytest

from dlkit import diagnosis
from dlkit.diagnosis import Finding, trial
from dlkit.diagnosis.machine import disk, memory, processor_features, usable_cores
from dlkit.diagnosis.trial import Stopwatch, TimeOver
from dlkit.errors import MissingError

GIGABYTE = int(1e9)


def test_features_are_read_from_cpuinfo():
    text = "model name\t: A\nflags\t\t: fpu sse avx2 avx512f avx512_bf16\nmodel name\t: A\n"
    assert processor_features(text) == ["AVX2", "AVX-512", "AVX-512 BF16"]
    assert processor_features("") == []
    assert diagnosis.check_processor("A", ["AVX2"]) == Finding("processor", "ok", "A: AVX2")
    assert diagnosis.check_processor("A", []).level == "warning"
    assert "mixed_bfloat16" in diagnosis.check_processor("A", ["AVX2", "AVX-512 BF16"]).hint


def test_cores_are_limited_by_the_control_group():
    assert usable_cores("50000 100000\n") == 0.5
    assert usable_cores("max 100000\n") == usable_cores("") >= 1
    assert diagnosis.check_cores(2, 1.0).level == "ok"
    assert diagnosis.check_cores(2, 3.0).level == "warning"


def test_memory_is_limited_by_the_control_group():
    text = "MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n"
    assert memory(text) == {"total": 16_384_000_000, "available": 8_192_000_000}
    assert memory(text, "max\n", "5") == memory(text)
    assert memory(text, "4000000000\n", "3500000000\n") == {"total": 4 * GIGABYTE, "available": GIGABYTE // 2}


@pytest.mark.parametrize(("available", "level"), [(4, "ok"), (2, "warning"), (0.5, "problem")])
def test_little_memory_is_named(available, level):
    finding = diagnosis.check_memory({"total": 8 * GIGABYTE, "available": int(available * GIGABYTE)})
    assert (finding.level, finding.text) == (level, f"{available:.1f} GB available of 8.0 GB")


@pytest.mark.parametrize(
    ("free", "writable", "level"),
    [(9, True, "ok"), (1, True, "warning"), (0, True, "problem"), (9, False, "problem")],
)
def test_little_disk_is_named_with_the_option_that_chooses_another(free, writable, level):
    finding = diagnosis.check_disk("cache", {"folder": "/x", "free": free * GIGABYTE, "writable": writable})
    assert finding.level == level
    assert ("DLKIT_CACHE" in finding.hint) == (level != "ok")


def test_the_disk_of_a_folder_that_is_not_there_is_that_of_its_parent(tmp_path):
    found = disk(tmp_path / "a" / "b")
    assert (found["folder"], found["writable"]) == (str(tmp_path), True)
    assert found["free"] > 0


def test_onednn_that_is_off_is_a_warning():
    assert diagnosis.check_onednn("1") == Finding("oneDNN", "ok", "on")
    assert diagnosis.check_onednn("0").level == "warning"


def test_missing_data_matters_only_offline(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    folder = tmp_path / "mnist" / "3.0.1"
    folder.mkdir(parents=True)
    (folder / "dataset_info.json").write_text("{}")
    prepared = diagnosis.prepared_data()
    assert prepared["mnist"] is True
    assert prepared["cifar10"] is False
    offline = diagnosis.check_data(prepared, offline=True)
    assert offline.level == "warning"
    assert "mnist is there" in offline.text
    assert "cifar10 is missing" in offline.text
    assert diagnosis.check_data(prepared, offline=False).level == "ok"
    assert diagnosis.check_data({"mnist": True}, offline=True).level == "ok"


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
    assert trial.trial() == Finding("training", "problem", "fails: no disk", "buy one")
    monkeypatch.setattr(trial, "images_per_second", lambda folder, seconds: 1 / 0)
    assert trial.trial().text == "fails: ZeroDivisionError: division by zero"


def test_the_stopwatch_keeps_times_and_stops():
    watch = Stopwatch(60)
    watch.epoch_done(0, {"seconds": 0.25})
    assert watch.seconds == [0.25]
    with pytest.raises(TimeOver):
        Stopwatch(-1).epoch_done(0, {"seconds": 0.5})


@pytest.mark.parametrize(("level", "code"), [("ok", 0), ("warning", 0), ("problem", 3)])
def test_only_a_problem_is_an_exit_code(monkeypatch, capsys, tmp_path, level, code):
    from dlkit.cli import doctor, main

    monkeypatch.setattr(doctor, "_trial", lambda: Finding("training", level, "text", "hint"))
    monkeypatch.setattr("sys.argv", ["dlkit", "doctor", "--offline", "--runs-dir", str(tmp_path), "--json"])
    monkeypatch.setenv("DLKIT_OFFLINE", "1")
    monkeypatch.setattr(diagnosis, "check_memory", lambda found: Finding("memory", "ok", ""))
    monkeypatch.setattr(
        diagnosis, "check_disk", lambda subject, found: Finding(subject, "ok", str(Path(found["folder"])))
    )
    with pytest.raises(SystemExit) as stopped:
        main()
    assert int(stopped.value.code or 0) == code
    found = json.loads(capsys.readouterr().out)
    assert found["healthy"] is (code == 0)
    subjects = ["versions", "processor", "cores", "memory", "runs", "cache", "oneDNN", "data", "training"]
    assert [finding["subject"] for finding in found["findings"]] == subjects
    assert found["findings"][-1] == {"subject": "training", "level": level, "text": "text", "hint": "hint"}
