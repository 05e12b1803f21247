"""Batches are pure functions of the step: the same from any start, each example once an epoch, each epoch its order."""

import keras
import numpy as np
import pytest

from dlkit.augment.random_affine import random_affine
from dlkit.datasets._dataset import ArraySpec, Split
from dlkit.datasets.digits import Digits
from dlkit.errors import InputError
from dlkit.input_pipeline import Batching, adapt, batches, build_preprocess, load_splits, train_batches
from dlkit.recipe.schema import Data, Validation

SPLIT = Split(np.arange(10, dtype=np.int64).reshape(10, 1), np.arange(10) * 10)


def collect(first, last, shuffle=True, split=SPLIT, augment=(), size=4):
    stream = train_batches(split, Batching(size, 3, shuffle), lambda x, y: (x, y), list(augment), first, last)
    return [(np.array(x), np.array(y)) for x, y in stream]


def test_every_epoch_sees_every_example_once_in_another_order():
    steps = collect(0, 6)
    assert [len(x) for x, _ in steps] == [4, 4, 2, 4, 4, 2]
    epochs = [np.concatenate([x[:, 0] for x, _ in part]) for part in (steps[:3], steps[3:])]
    for epoch in epochs:
        assert sorted(epoch) == list(range(10))
    assert epochs[0].tolist() != epochs[1].tolist() != list(range(10))
    for x, y in steps:
        np.testing.assert_array_equal(x[:, 0] * 10, y)


def test_a_later_start_gives_the_same_batches():
    for (whole, _), (part, _) in zip(collect(0, 9)[4:], collect(4, 9), strict=True):
        np.testing.assert_array_equal(whole, part)


def test_without_shuffle_the_order_is_that_of_the_data():
    assert np.concatenate([x[:, 0] for x, _ in collect(0, 3, shuffle=False)]).tolist() == list(range(10))


def test_augmentation_differs_by_epoch_and_not_by_start():
    digits = Digits().load("train", None).select(np.arange(40))
    augment = [lambda images, seeds: random_affine(images, seeds, shift=0.3)]
    first, again = (collect(a, 4, False, digits, augment, size=20) for a in (0, 2))
    assert not np.array_equal(first[0][0], first[2][0])
    np.testing.assert_array_equal(first[2][0], again[0][0])


def test_batches_keep_the_order():
    stream = batches(SPLIT, 4, lambda x, y: (x, y))
    assert np.concatenate([np.array(y) for _, y in stream]).tolist() == SPLIT.targets.tolist()


def data(**settings):
    return Data.model_construct(**({"limit": None, "validation": "none", "resize": None} | settings))


@pytest.mark.parametrize("validation", [Validation(fraction=0.1), Validation(fold=3, of=10)])
def test_validation_is_stratified_and_apart(validation):
    splits = load_splits(data(validation=validation), Digits(), stratified=True)
    whole = Digits().load("train", None)
    assert len(splits.train) + len(splits.validation) == len(whole)
    assert 140 <= len(splits.validation) <= 148
    share = np.bincount(splits.validation.targets) / np.bincount(whole.targets)
    assert share.min() > 0.08
    assert share.max() < 0.12


def test_folds_cover_train_once():
    folds = [load_splits(data(validation=Validation(fold=k, of=3)), Digits(), True).validation for k in range(3)]
    rows = np.concatenate([fold.inputs.reshape(len(fold), -1) for fold in folds])
    whole = Digits().load("train", None).inputs.reshape(1437, -1)
    assert sorted(map(bytes, rows)) == sorted(map(bytes, whole))


def test_limit_is_a_stratified_sample_before_validation():
    splits = load_splits(data(limit=200, validation=Validation(fraction=0.25)), Digits(), stratified=True)
    assert (len(splits.train), len(splits.validation)) == (150, 50)
    counts = np.bincount(splits.train.targets)
    assert counts.min() >= 13
    assert counts.max() <= 17


def test_too_few_examples_to_hold_out_is_an_error():
    with pytest.raises(InputError, match="cannot be held out"):
        load_splits(data(limit=20, validation=Validation(fraction=0.1)), Digits(), stratified=True)


def test_normalization_learns_from_train_alone():
    train = Digits().load("train", None)
    preprocess = build_preprocess(ArraySpec((8, 8, 1), "uint8"), [keras.layers.Normalization(axis=None)])
    adapt(preprocess, train)
    values = np.array(preprocess(train.inputs))
    np.testing.assert_allclose([values.mean(), values.std()], [0, 1], atol=1e-4)
    expected = (train.inputs[:3] - train.inputs.mean()) / train.inputs.std()
    np.testing.assert_allclose(values[:3], expected, rtol=1e-4, atol=1e-5)


def test_pixels_reach_a_network_without_preprocessing_as_floats():
    preprocess = build_preprocess(ArraySpec((8, 8, 1), "uint8"), [])
    assert preprocess.output.dtype == "float32"
    assert build_preprocess(ArraySpec((3,), "int64"), []).output.dtype == "int64"
