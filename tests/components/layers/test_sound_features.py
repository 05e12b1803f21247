"""Features of recordings against the same in SciPy and NumPy, computed independently; padding stays padding."""

import keras
import numpy as np
import pytest
import scipy.fft
import scipy.signal

from dlkit.components.layers.cepstral_coefficients import CepstralCoefficients
from dlkit.components.layers.context_frames import ContextFrames
from dlkit.components.layers.log_mel import LogMel

RATE, LENGTH, STEP, FFT = 8000, 200, 80, 256


def recordings(*lengths, seed=0):
    generator = np.random.default_rng(seed)
    longest = max(lengths)
    found = [np.append(generator.normal(0, 0.1, n), np.full(longest - n, np.nan)) for n in lengths]
    return np.array(found, "float32")


def layers(bands=26, coefficients=13):
    return [
        keras.layers.Reshape((-1, 1)),
        keras.layers.STFTSpectrogram(mode="psd", frame_length=LENGTH, frame_step=STEP, fft_length=FFT, scaling=None),
        LogMel(sampling_rate=RATE, num_mel_bins=bands),
        CepstralCoefficients(coefficients=coefficients),
    ]


def chain(parts, values):
    for layer in parts:
        values = layer(values)
    return np.asarray(values)


def triangle(hertz, left, centre, right):
    """The height of a triangular filter at a frequency, with corners and sides in mel."""
    mels = [2595 * np.log10(1 + f / 700) for f in (hertz, left, centre, right)]
    if mels[0] <= mels[2]:
        return max(0.0, (mels[0] - mels[1]) / (mels[2] - mels[1]))
    return max(0.0, (mels[3] - mels[0]) / (mels[3] - mels[2]))


def by_hand(samples, bands, coefficients):
    """MFCC of one recording, float64, with SciPy's STFT and DCT and filters written out frequency by frequency."""
    window = scipy.signal.get_window("hann", LENGTH, fftbins=False)
    starts = range(0, len(samples) - LENGTH + 1, STEP)
    power = np.array([np.abs(scipy.fft.rfft(samples[s : s + LENGTH] * window, FFT)) ** 2 for s in starts])
    power[:, 1:-1] *= 2  # the negative frequencies, as in a one-sided density
    edges = 700 * (
        10 ** (np.linspace(2595 * np.log10(1 + 20 / 700), 2595 * np.log10(1 + 4000 / 700), bands + 2) / 2595) - 1
    )
    hertz = np.arange(FFT // 2 + 1) * RATE / FFT
    filters = np.array([[triangle(f, *edges[b : b + 3]) for b in range(bands)] for f in hertz])
    mels = np.log(np.maximum(power @ filters, 1e-10))
    return scipy.fft.dct(mels, type=2, norm="ortho", axis=-1)[:, :coefficients]


def test_mfcc_are_those_of_scipy():
    sounds = recordings(1000, 1000)
    found = chain(layers(), sounds)
    assert found.shape == (2, 11, 13)
    for one, sound in zip(found, sounds, strict=True):
        np.testing.assert_allclose(one, by_hand(sound.astype("float64"), 26, 13), atol=2e-3)


def test_a_recording_has_the_same_features_alone_beside_a_loud_one_and_padded():
    quiet, loud = recordings(700)[0] / 1000, recordings(1200, seed=1)[0] * 5
    beside = np.stack([np.append(quiet, np.full(500, np.nan, "float32")), loud])
    alone, together = chain(layers(), quiet[np.newaxis])[0], chain(layers(), beside)[0]
    frames = (700 - LENGTH) // STEP + 1
    assert alone.shape[0] == frames
    np.testing.assert_allclose(together[:frames], alone, atol=1e-5)
    assert np.isnan(together[frames:]).all()


def test_silence_is_at_the_floor():
    assert chain(layers()[:3], np.zeros((1, 400), "float32")) == pytest.approx(np.log(1e-10))


def test_context_is_ordered_in_time_and_zero_outside_of_the_recording():
    frames = np.array([[[1, 10], [2, 20], [3, 30]], [[4, 40], [np.nan, np.nan], [np.nan, np.nan]]], "float32")
    found = np.asarray(ContextFrames(before=2, after=1)(frames))
    np.testing.assert_array_equal(
        found[0], [[0, 0, 0, 0, 1, 10, 2, 20], [0, 0, 1, 10, 2, 20, 3, 30], [1, 10, 2, 20, 3, 30, 0, 0]]
    )
    np.testing.assert_array_equal(found[1, 0], [0, 0, 0, 0, 4, 40, 0, 0])
    assert np.isnan(found[1, 1:]).all()


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: LogMel(sampling_rate=8000, highest=5000), "frequencies up to 4000 Hz"),
        (lambda: LogMel(sampling_rate=8000, num_mel_bins=80)(np.zeros((1, 3, 33), "float32")), "has none of the 33"),
        (lambda: CepstralCoefficients(coefficients=30)(np.zeros((1, 3, 26), "float32")), "30 coefficients need"),
    ],
)
def test_settings_that_cannot_work_are_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()


def test_features_survive_saving(tmp_path):
    inputs = keras.Input((None,))
    model = keras.Model(inputs, ContextFrames()(_stacked(layers(), inputs)))
    model.save(tmp_path / "features.keras")
    loaded = keras.models.load_model(tmp_path / "features.keras")
    sounds = recordings(600, 900)
    np.testing.assert_array_equal(loaded(sounds), model(sounds))


def _stacked(parts, values):
    for layer in parts:
        values = layer(values)
    return values
