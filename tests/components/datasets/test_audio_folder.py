"""Recordings with their transcripts: where they come from, how they are split, and what makes one unusable."""

import numpy as np
import pytest
import soundfile

from dlkit.components.datasets.audio_folder import AudioFolder
from dlkit.errors import InputError, MissingError


def sound(length=800, seed=0):
    return np.round(np.random.default_rng(seed).normal(0, 0.1, length) * 2**15) / 2**15


@pytest.fixture
def folder(tmp_path):
    """Write recordings by name, of increasing lengths, and return the source of their folder."""

    def make(*names, rate=8000, **settings):
        for number, name in enumerate(names):
            path = tmp_path / "sounds" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, sound(800 + number, number), rate)
        defaults = {"sampling_rate": 8000, "test_fraction": 0.0}
        return AudioFolder(directory=str(tmp_path / "sounds"), **(defaults | settings))

    return make


def texts(source, split="train"):
    """The transcripts of a split by the name of the file."""
    found, names = source.load(split, None), source.describe().class_names
    return {
        found.names[row].rpartition("/")[2]: "".join(names[index] for index in found.targets[row])
        for row in range(len(found))
    }


def test_names_give_transcripts_and_speakers(folder):
    source = folder(
        "7_theo_0.wav", "0_eva_12.flac", pattern="{text}_{speaker}_{take}", words={"7": "seven", "0": "oh no"}
    )
    assert texts(source) == {"7_theo_0.wav": "seven", "0_eva_12.flac": "oh no"}
    assert sorted(source.speaker(path) for path in source.recordings) == ["eva", "theo"]
    description = source.describe()
    assert (description.inputs.shape, description.targets.shape) == ((None,), (None,))
    assert (description.sampling_rate, len(description.class_names)) == (8000, 28)


def test_a_folder_per_word_needs_no_settings(folder):
    assert texts(folder("yes/a.wav", "no/b.wav")) == {"a.wav": "yes", "b.wav": "no"}


def test_a_table_gives_transcripts(folder, tmp_path):
    source = folder("a.wav", "deep/b.wav", transcripts=str(tmp_path / "t.csv"))
    (tmp_path / "t.csv").write_text("file,text,speaker\na.wav,hello there,me\ndeep/b.wav,don't,you\n")
    assert texts(source) == {"a.wav": "hello there", "b.wav": "don't"}
    for rows, words in (
        ("a.wav,hi\n", "has no row for .*b.wav"),
        ("a.wav,hi\na.wav,ho\ndeep/b.wav,x\n", "t.csv:3: a second transcript of a.wav"),
        ("a.wav,hi\nc.wav,ho\n", "t.csv:3: no recording c.wav"),
    ):
        (tmp_path / "t.csv").write_text("file,text\n" + rows)
        with pytest.raises(InputError, match=words):
            folder(transcripts=str(tmp_path / "t.csv")).describe()
    (tmp_path / "t.csv").write_text("file,words\na.wav,hi\n")
    with pytest.raises(InputError, match="has no column 'text'"):
        folder(transcripts=str(tmp_path / "t.csv")).describe()


def test_samples_have_their_own_lengths_and_batches_are_padded(folder):
    found = folder("yes/a.wav", "yes/b.wav", "no/c.wav").load("train", None)
    assert sorted(found.inputs.lengths) == [800, 801, 802]
    by_name = {name.rpartition("/")[2]: row for row, name in enumerate(found.names)}
    np.testing.assert_array_equal(found.inputs[by_name["b.wav"]], sound(801, 1).astype("float32"))
    inputs, targets = found.read(np.array([by_name["a.wav"], by_name["c.wav"]]))
    assert np.isnan(inputs[0, 800:]).all()
    assert inputs.shape == (2, 802)
    assert targets.tolist() == [[26, 6, 20], [15, 16, -1]]


def test_recordings_of_another_rate_are_resampled(folder):
    found = folder("yes/a.wav", "no/b.wav", rate=16000).load("train", None)
    assert sorted(found.inputs.lengths) == [400, 401]


def test_splits_are_folders_or_a_fraction_or_speakers(folder, tmp_path):
    pattern = {"pattern": "{text}_{speaker}_{take}"}
    names = [f"a_{speaker}_{take}.wav" for speaker in ("eva", "theo") for take in range(5)]
    assert folder(*names, **pattern, test_fraction=0.2).describe().splits == {"train": 8, "test": 2}
    alone = folder(**pattern, test_speakers=["theo"])
    assert alone.describe().splits == {"train": 5, "test": 5}
    assert all("theo" in name for name in alone.load("test", None).names)
    with pytest.raises(InputError, match="no recording of the speaker 'teo'") as caught:
        folder(**pattern, test_speakers=["teo"]).describe()
    assert caught.value.problems[0].hint.startswith("did you mean 'theo'?")


def test_split_folders_are_kept(folder):
    names = ("train/a_eva_0", "train/a_theo_0", "test/b_eva_1", "test/b_theo_1", "val/a_eva_2")
    source = folder(*(f"{name}.wav" for name in names), pattern="{text}_{speaker}_{take}")
    assert source.describe().splits == {"train": 2, "validation": 1, "test": 2}
    held = folder(pattern="{text}_{speaker}_{take}", test_speakers=["theo"])
    assert held.describe().splits == {"train": 1, "validation": 1, "test": 1}


@pytest.mark.parametrize(
    ("name", "settings", "words", "hint"),
    [
        ("Yes/a.wav", {}, "'Yes' has characters that are not in the alphabet: 'Y'", "set lowercase: true"),
        ("yes!/a.wav", {}, "'yes!' has characters that are not in the alphabet: '!'", "correct the transcript"),
        ("yes/a.wav", {"alphabet": "ab"}, "'e', 's', 'y'", "correct the transcript"),
    ],
)
def test_transcripts_with_unknown_letters_are_named(folder, name, settings, words, hint):
    source = folder(name, "no/b.wav" if not settings else "ab/b.wav", **settings)
    with pytest.raises(InputError) as caught:
        source.load("train", None)
    assert words in str(caught.value)
    assert hint in str(caught.value)
    assert name.rpartition("/")[2] in str(caught.value)


def test_lowercase_takes_them(folder):
    assert texts(folder("Yes/a.wav", lowercase=True)) == {"a.wav": "yes"}


def test_unusable_files_are_listed_and_may_be_skipped(folder, tmp_path, monkeypatch):
    folder("yes/a.wav", "no/b.wav")
    (tmp_path / "sounds/yes/broken.wav").write_bytes(b"nothing")
    soundfile.write(tmp_path / "sounds/no/still.wav", np.zeros(500), 8000)
    with pytest.raises(InputError, match="silent") as caught:
        folder().load("train", None)
    assert "neither WAV nor FLAC" in str(caught.value)
    assert len(folder().problems) == 2
    monkeypatch.setenv("DLKIT_SKIP_BAD", "2")
    assert texts(folder()) == {"a.wav": "yes", "b.wav": "no"}
    monkeypatch.setenv("DLKIT_SKIP_BAD", "1")
    with pytest.raises(InputError):
        folder().load("train", None)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"pattern": "{speaker}_{take}"}, "does not have the field {text} once"),
        ({"pattern": "{text}_{take}"}, "does not match the pattern"),
        ({"pattern": "{text}", "transcripts": "t.csv"}, "pattern or transcripts, not both"),
    ],
)
def test_wrong_settings_are_explained(folder, settings, words):
    with pytest.raises(InputError, match=words):
        folder("yes.wav", "no.wav", **settings).describe()


def test_missing_folders_and_recordings_are_named(tmp_path):
    with pytest.raises(MissingError, match="no such folder"):
        AudioFolder(directory=str(tmp_path / "none")).load("train", None)
    (tmp_path / "a.mp3").write_bytes(b"ID3")
    with pytest.raises(MissingError, match=r"no recordings in .*1 \.mp3"):
        AudioFolder(directory=str(tmp_path)).describe()
    assert AudioFolder(directory=str(tmp_path / "none")).describe().splits == {}
