"""Augmentations of recordings: what they change, by how much, and that each example has draws of its own."""

import numpy as np
import pytest
import tensorflow as tf

from dlkit.components.augment.gain import gain
from dlkit.components.augment.noise import noise
from dlkit.components.augment.spec_augment import spec_augment
from dlkit.components.augment.time_shift import time_shift
from dlkit.draws import normal_field
from dlkit.errors import InputError

COUNT = 200
SEEDS = tf.constant([[7, index] for index in range(COUNT)], tf.int32)
SOUNDS = np.random.default_rng(0).normal(0, 0.1, (COUNT, 60)).astype("float32")
SOUNDS[::2, 40:] = np.nan
FEATURES = np.random.default_rng(1).uniform(1, 2, (COUNT, 30, 12)).astype("float32")
FEATURES[::2, 20:] = np.nan


def test_every_shift_occurs_and_silence_enters():
    moved, _ = time_shift(SOUNDS, None, SEEDS, samples=3)
    moved, seen = moved.numpy(), set()
    for before, after in zip(SOUNDS, moved, strict=True):
        sound, found = before[np.isfinite(before)], after[np.isfinite(after)]
        assert len(found) == len(sound)
        wanted = {k: np.append(np.zeros(max(k, 0)), sound[max(-k, 0) :])[: len(sound)] for k in range(-3, 4)}
        wanted = {k: np.append(v, np.zeros(len(sound) - len(v))).astype("float32") for k, v in wanted.items()}
        matching = [k for k, v in wanted.items() if np.array_equal(v, found)]
        assert len(matching) == 1
        seen.update(matching)
    assert seen == set(range(-3, 4))


def test_gains_are_uniform_in_decibels():
    found, _ = gain(SOUNDS, None, SEEDS, decibels=6)
    ratios = found.numpy()[:, :40] / SOUNDS[:, :40]
    np.testing.assert_allclose(ratios, ratios[:, :1] * np.ones(40), rtol=1e-5)
    levels = 20 * np.log10(ratios[:, 0])
    assert levels.min() < -5
    assert levels.max() > 5
    assert np.abs(levels).max() <= 6.0001
    np.testing.assert_array_equal(np.isnan(found), np.isnan(SOUNDS))


def test_noise_has_the_ratio_that_was_drawn_and_is_the_same_in_any_batch():
    found, _ = noise(SOUNDS, None, SEEDS, lowest=10, highest=10)
    added = found.numpy() - SOUNDS
    for row, before in zip(added, SOUNDS, strict=True):
        power = [np.mean(part[np.isfinite(part)] ** 2) for part in (before, row)]
        assert 10 * np.log10(power[0] / power[1]) == pytest.approx(10, abs=3)
    powers = [np.nanmean(part**2) for part in (SOUNDS, added)]
    assert 10 * np.log10(powers[0] / powers[1]) == pytest.approx(10, abs=0.3)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(SOUNDS))
    alone, _ = noise(SOUNDS[4:5, :40], None, SEEDS[4:5], lowest=10, highest=10)
    np.testing.assert_allclose(alone[0], found[4, :40], rtol=1e-5)
    with pytest.raises(InputError, match="the lowest ratio 60 is above the highest 50"):
        noise(SOUNDS, None, SEEDS, lowest=60)


@pytest.mark.parametrize("count", [1, 7, 33, 1000])
def test_fewer_normal_numbers_are_the_first_of_more(count):
    few, many = normal_field(SEEDS[:3], tf.constant(count)), normal_field(SEEDS[:3], 1500)
    np.testing.assert_array_equal(few, many[:, :count])


def test_masks_cover_neighbouring_features_and_frames_of_the_recording():
    found, _ = spec_augment(FEATURES, None, SEEDS, frequency_masks=1, frequencies=4, time_masks=1, share=0.25)
    widths, spans = [], []
    for before, after in zip(FEATURES, found.numpy(), strict=True):
        frames = int(np.isfinite(before[:, 0]).sum())
        assert np.isnan(after[frames:]).all()
        gone = after[:frames] == 0
        np.testing.assert_array_equal(after[:frames][~gone], before[:frames][~gone])
        bands, times = np.flatnonzero(gone.all(axis=0)), np.flatnonzero(gone.all(axis=1))
        for places in (bands, times):
            assert len(places) == 0 or len(places) == places[-1] - places[0] + 1
        assert gone.sum() == len(bands) * frames + len(times) * 12 - len(bands) * len(times)
        widths.append(len(bands))
        spans.append(len(times) / frames)
    assert sorted(set(widths)) == [0, 1, 2, 3, 4]
    assert max(spans) == 0.25
    np.testing.assert_array_equal(spec_augment(FEATURES, None, SEEDS, frequency_masks=0, time_masks=0)[0], FEATURES)


@pytest.mark.parametrize("change", [time_shift, gain, noise])
def test_draws_depend_on_the_seed_of_each_recording_alone(change):
    whole, _ = change(SOUNDS, None, SEEDS)
    part, _ = change(SOUNDS[10:14], None, SEEDS[10:14])
    np.testing.assert_allclose(part, whole[10:14], rtol=1e-6)
    other, _ = change(SOUNDS[:5], None, SEEDS[:5] + 1)
    assert not np.array_equal(other, whole[:5], equal_nan=True)
