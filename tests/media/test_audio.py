"""Recordings become mono samples at one rate; what cannot be used is an error that says why."""

import numpy as np
import pytest
import soundfile

from dlkit.errors import InputError, MissingError
from dlkit.media import audio
from dlkit.media.audio import read_audio, read_recording


def tone(rate=8000, seconds=0.1, hertz=500.0):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)


@pytest.fixture
def written(tmp_path):
    def write(samples, rate=8000, name="a.wav", **settings):
        soundfile.write(tmp_path / name, samples, rate, **settings)
        return tmp_path / name

    return write


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_samples_are_those_of_the_file(written, name):
    samples = np.round(tone() * 2**15) / 2**15
    found = read_audio(written(samples, name=name), 8000)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, samples.astype("float32"))


def test_channels_are_averaged(written):
    stereo = np.stack([tone(), -0.5 * tone()], axis=1)
    found = read_recording(written(stereo, subtype="FLOAT"))
    assert (found.channels, found.sampling_rate, found.seconds) == (2, 8000, 0.1)
    np.testing.assert_allclose(found.samples, 0.25 * tone(), atol=1e-6)


@pytest.mark.parametrize("rate", [16000, 44100, 4000])
def test_another_rate_is_resampled_to_the_same_tone(written, rate):
    found = read_audio(written(tone(rate, 0.5), rate, subtype="FLOAT"), 8000)
    assert len(found) == 4000
    np.testing.assert_allclose(found[500:3500], tone(8000, 0.5)[500:3500], atol=2e-3)


def test_clipping_is_counted(written):
    samples = tone()
    samples[[3, 5, 8]] = 1.0, -1.0, 0.99
    assert read_recording(written(samples)).clipped == 2


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_truncated_file_is_named(written, name):
    path = written(np.random.default_rng(0).normal(0, 0.1, 20000), name=name)
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(InputError, match=f"{name}"):
        read_audio(path, 8000)
    if name == "a.wav":
        with pytest.raises(InputError, match=r"a\.wav is truncated: 8,956 of 40,000 bytes"):
            read_audio(path, 8000)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is an empty file"),
        (b"ID3\x04" + bytes(20), "is MP3, which is not read"),
        (b"OggS" + bytes(20), "is Ogg, which is not read"),
        (b"\0\0\0\x20ftypM4A " + bytes(20), "is MP4, which is not read"),
        (b"hello, world, this is text", "is neither WAV nor FLAC"),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", "is truncated: it has no samples"),
        (b"fLaC" + bytes(40), "cannot read"),
    ],
)
def test_other_files_are_refused(tmp_path, content, words):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.wav.*{words}|{words}.*a\.wav"):
        read_audio(tmp_path / "a.wav", 8000)


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros(100), "is silent: all 100 samples are 0"),
        (np.full(100, 0.25), "is silent: all 100 samples are 0.25"),
        (np.zeros(0), "has no samples"),
        (np.array([0.1, np.nan, 0.2]), "contains NaN or infinity, first at sample 1"),
        (np.array([0.1, 0.2, np.inf]), "contains NaN or infinity, first at sample 2"),
        (np.array([[0.1, 0.2], [3e38, 3e38]]), "contains NaN or infinity, first at sample 1"),  # their sum overflows
    ],
)
def test_recordings_without_sound_are_refused(written, samples, words):
    with pytest.raises(InputError, match=words):
        read_audio(written(samples, subtype="FLOAT"), 8000)


def test_a_file_that_declares_too_much_is_not_decoded(written, monkeypatch):
    monkeypatch.setattr(audio, "MAX_VALUES", 700)
    with pytest.raises(InputError, match="has 800 samples of 1 channels"):
        read_audio(written(tone()), 8000)


def test_a_missing_package_is_named_with_its_command(written, monkeypatch):
    path = written(tone())

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(audio, "import_module", missing)
    audio._package.cache_clear()
    with pytest.raises(MissingError, match="audio needs soundfile") as caught:
        read_audio(path, 8000)
    assert caught.value.problems[0].hint == "pip install 'dlkit[audio]'"
