"""The spoken digits of six speakers: what the data report says of them, and that a short training learns."""

import shutil

import pytest


@pytest.fixture
def digits(photos):
    """The setting that names the folder of recordings."""
    return f"data.source.audio_folder.directory={photos.parent / 'fsdd'}"


def test_the_report_knows_the_recordings_of_the_digits(as_json, digits):
    found = as_json("data", "deepspeech_mini", settings=[digits])
    assert {name: split["examples"] for name, split in found["splits"].items()} == {
        "train": 1728,
        "validation": 192,
        "test": 300,
    }
    heard = found["recordings"]
    assert all(part["sampling_rates"] == {"8000": found["splits"][name]["examples"]} for name, part in heard.items())
    assert sum(part["seconds"]["total"] for part in heard.values()) == pytest.approx(977, abs=1)
    assert min(part["seconds"]["shortest"] for part in heard.values()) == pytest.approx(0.144, abs=0.01)
    assert set(heard["test"]["speakers"].values()) == {50}
    assert len(heard["test"]["speakers"]) == 6
    assert any("also speak in train" in text for text in found["warnings"])


def test_the_commands_of_speech_md_work(dlkit, page_commands, photos, tmp_path, monkeypatch):
    monkeypatch.setenv("DLKIT_RUNS", str(tmp_path / "runs"))
    folder = photos.parent / "fsdd"
    shutil.copy(folder / "test/7_theo_1.wav", tmp_path / "recording.wav")
    printed = {}
    for _, verb, *words in page_commands("docs/speech.md"):
        words = [word.replace("PATH", str(folder)) for word in words]
        short = ["--set", "training.epochs=2", "--set", "data.limit=600"] if verb == "train" else []
        done = dlkit(verb, *words, *short)
        assert done.code == 0, done.error
        printed[verb] = done.out
    assert "label_error_rate" in printed["evaluate"]
    assert "confidence" in printed["predict"]
    assert "recordings of" in printed["data"]
    (run,) = (tmp_path / "runs/deepspeech_mini").glob("2*")
    losses = [float(line.split(",")[1]) for line in (run / "history.csv").read_text().splitlines()[1:]]
    assert losses[1] < losses[0]
    exported = dlkit("export", run, "--format", "onnx", "--rounds", "0", "--examples", "8")
    assert "labels agree on 100 %" in exported.out  # the texts, from samples: the features are in the file
