"""The spoken digits of six speakers: what the data report says of them, and that a short training learns."""

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


def test_two_epochs_teach_something(as_json, digits):
    settings = [digits, "training.epochs=2", "data.limit=600", "expect={}"]
    found = as_json("train", "deepspeech_mini", settings=settings)["metrics"]
    assert found["val_loss"] < 11.5
