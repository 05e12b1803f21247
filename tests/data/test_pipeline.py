"""Batches are pure functions of the step: the same from any start, each example once an epoch, each epoch its order."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.catalog.create import Component
from dlkit.components.datasets.digits import Digits
from dlkit.data.batches import in_memory
from dlkit.data.pipeline import InputPipeline
from dlkit.data.splits import load_splits
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec, Split
from dlkit.interfaces.ragged import Ragged, Texts
from dlkit.model.preprocessing import adapt, build_preprocess
from dlkit.recipe.schema import Data, Validation

SPLIT = Split(np.arange(10, dtype=np.int64).reshape(10, 1), np.arange(10) * 10)


def pipeline(shuffle=True, augment=(), corrupt=(), size=4, moves_targets=False, prepare=lambda x, y: (x, y)):
    training = SimpleNamespace(batch_size=size, seed=3, shuffle=shuffle)
    components = [
        [Component(kind, name, settings) for name, settings in given]
        for kind, given in (("augment", augment), ("corrupt", corrupt))
    ]
    data = SimpleNamespace(patch=None, corrupt=components[1])
    return InputPipeline(SimpleNamespace(training=training, data=data), prepare, moves_targets, components[0])


def collect(first, last, split=SPLIT, **settings):
    stream = pipeline(**settings).train_batches(split, first, last)
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


def test_alternating_flips_show_each_example_both_ways_in_two_epochs():
    digits = Digits().load("train", None).select(np.arange(40))
    settings = {"shuffle": False, "augment": [("alternating_flip", {})], "size": 20}
    (a, _), (b, _), (c, _), (d, _), (again, _), _ = collect(0, 6, digits, **settings)
    for first, second in ((a, c), (b, d)):
        np.testing.assert_array_equal(first, second[:, :, ::-1])
    np.testing.assert_array_equal(a, again)
    mirrored = sum(not np.array_equal(shown, image) for shown, image in zip([*a, *b], digits.inputs, strict=True))
    assert 10 < mirrored < 30


def one_hot(inputs, targets):
    return tf.cast(inputs, tf.float32), tf.one_hot(targets, 10)


@pytest.mark.parametrize("names", [["cutmix"], ["mixup"], ["mixup", "cutmix"]])
def test_targets_are_mixed_as_the_images_are(names):
    """Every image is its class alone, so that the mean over an image's pixels says what its target must be."""
    split = Split(np.repeat(np.arange(10), 64).reshape(10, 8, 8, 1).astype(np.float32), np.arange(10))
    settings = {"mixup": {"alpha": 1.0}, "cutmix": {"probability": 1}}
    augment = [(name, settings[name]) for name in names]
    for images, targets in collect(0, 6, split, augment=augment, prepare=one_hot):
        np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
        np.testing.assert_allclose(targets @ np.arange(10), images.mean(axis=(1, 2, 3)), atol=1e-5)
        assert (np.count_nonzero(targets, axis=1) > 1).any()


def test_targets_of_several_outputs_are_mixed_alike():
    def prepare(inputs, targets):
        x, y = one_hot(inputs, targets)
        return x, {"output": y, "side": y, "penalty": tf.ones(tf.shape(x)[:1])}

    split = Split(np.zeros((10, 8, 8, 1), np.float32), np.arange(10))
    stream = pipeline(augment=[("cutmix", {"probability": 1})], prepare=prepare).train_batches(split, 0, 3)
    for _, targets in stream:
        np.testing.assert_array_equal(targets["output"], targets["side"])
        np.testing.assert_array_equal(targets["penalty"], np.ones(len(targets["output"])))


def test_mixed_batches_are_the_same_from_any_start():
    settings = {"augment": [("cutmix", {})], "prepare": one_hot}
    digits = Digits().load("train", None).select(np.arange(40))
    for whole, part in zip(collect(0, 9, digits, **settings)[4:], collect(4, 9, digits, **settings), strict=True):
        for one, other in zip(whole, part, strict=True):
            np.testing.assert_array_equal(one, other)


def test_augmentation_differs_by_epoch_and_not_by_start():
    digits = Digits().load("train", None).select(np.arange(40))
    augment = [("random_affine", {"shift": 0.3})]
    first, again = (collect(a, 4, digits, shuffle=False, augment=augment, size=20) for a in (0, 2))
    assert not np.array_equal(first[0][0], first[2][0])
    np.testing.assert_array_equal(first[2][0], again[0][0])


def test_masks_move_with_their_images():
    images = np.zeros((8, 9, 9, 1), np.uint8)
    masks = np.zeros((8, 9, 9), np.uint8)
    images[:, 4, 6], masks[:, 4, 6] = 200, 7
    affine = {"horizontal_flip": True, "vertical_flip": True, "shift": 0.2, "interpolation": "nearest"}
    settings = {"augment": [("random_affine", affine)], "moves_targets": True, "size": 8}
    for x, y in collect(0, 3, Split(images, masks), **settings):
        np.testing.assert_array_equal(y[..., np.newaxis] == 7, x == 200)
        assert len({tuple(place) for place in np.argwhere(y == 7)[:, 1:]}) > 3


def test_memory_mapped_examples_are_the_same(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", SPLIT.inputs)
    mapped = Split(np.load(tmp_path / "x.npy", mmap_mode="r"), SPLIT.targets)
    whole = collect(0, 6)
    monkeypatch.setattr("dlkit.data.batches.MEMORY_BYTES", 0)
    for (x, y), (again_x, again_y) in zip(whole, collect(0, 6, mapped), strict=True):
        np.testing.assert_array_equal(x, again_x)
        np.testing.assert_array_equal(y, again_y)


def test_batches_keep_the_order():
    stream = pipeline().fixed_batches(SPLIT, 4)
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
    assert splits.train.targets[:8].tolist() == [5, 6, 7, 1, 1, 3, 6, 1]  # the same in every version: results name it


def test_too_few_examples_to_hold_out_is_an_error():
    with pytest.raises(InputError, match="cannot hold out"):
        load_splits(data(limit=20, validation=Validation(fraction=0.1)), Digits(), stratified=True)


def test_normalization_learns_from_train_alone():
    train = Digits().load("train", None)
    preprocess = build_preprocess(ArraySpec((8, 8, 1), "uint8"), [keras.layers.Normalization(axis=None)])
    adapt(train, preprocess)
    values = np.array(preprocess(train.inputs))
    np.testing.assert_allclose([values.mean(), values.std()], [0, 1], atol=1e-4)
    expected = (train.inputs[:3] - train.inputs.mean()) / train.inputs.std()
    np.testing.assert_allclose(values[:3], expected, rtol=1e-4, atol=1e-5)


def test_pixels_reach_a_network_without_preprocessing_as_floats():
    preprocess = build_preprocess(ArraySpec((8, 8, 1), "uint8"), [])
    assert preprocess.output.dtype == "float32"
    assert build_preprocess(ArraySpec((3,), "int64"), []).output.dtype == "int64"


@pytest.mark.parametrize("augment", [(), [("random_crop", {"padding": 1})]])
def test_no_stream_is_tuned_and_so_none_keeps_its_reader_waiting_at_its_end(augment):
    images = Split(np.zeros((6, 4, 4, 1), np.uint8), np.arange(6))
    made = pipeline(augment=augment)
    streams = [made.train_steps(images).elements(0, 3), made.train_batches(images, 0, 3), made.fixed_batches(images, 2)]
    for stream in streams:
        assert stream.options().autotune.enabled is False
        assert stream.options().deterministic is True


def ragged_split(count=230, dtype="float32", seed=0):
    lengths = np.random.default_rng(seed).integers(1, 40, count)
    return Split(Ragged.of([np.full((n, 2), i + 1, dtype) for i, n in enumerate(lengths)]), np.arange(count))


def test_batches_of_sequences_are_padded_to_their_own_longest_example():
    split = ragged_split()
    steps = collect(0, 116, split)
    lengths = split.inputs.lengths
    for epoch in (steps[:58], steps[58:]):
        assert sorted(np.concatenate([y for _, y in epoch])) == list(range(230))
        for x, y in epoch:
            assert x.shape == (len(y), lengths[y].max(), 2)
            for row, index in zip(x, y, strict=True):
                np.testing.assert_array_equal(row, np.concatenate([split.inputs[index], row[lengths[index] :]]))
                assert np.isnan(row[lengths[index] :]).all()
    groups = [{frozenset(y.tolist()) for _, y in epoch} for epoch in (steps[:58], steps[58:])]
    assert len(groups[0] & groups[1]) < 10  # other examples come together in every epoch


def test_buckets_leave_little_padding_and_come_in_no_order_of_length():
    split = ragged_split()
    steps = collect(0, 58, split)
    padded = sum(x.shape[0] * x.shape[1] for x, _ in steps)
    assert padded < 1.1 * split.inputs.lengths.sum()
    longest = [x.shape[1] for x, _ in steps]
    assert sorted(longest) != longest
    assert np.corrcoef(longest, range(58))[0, 1] ** 2 < 0.2


def test_a_later_start_gives_the_same_batches_of_sequences():
    split = ragged_split(60)
    for (x, y), (again, labels) in zip(collect(0, 30, split)[11:], collect(11, 30, split), strict=True):
        np.testing.assert_array_equal(x, again)
        np.testing.assert_array_equal(y, labels)


def test_sequences_keep_their_order_without_shuffle_and_in_evaluation():
    split = ragged_split(10)
    lengths = split.inputs.lengths
    batches = collect(0, 3, split, shuffle=False)
    assert [x.shape[1] for x, _ in batches] == [lengths[i : i + 4].max() for i in (0, 4, 8)]
    fixed = [(x.numpy(), y.numpy()) for x, y in pipeline().fixed_batches(split, 4)]
    for (x, y), (other, labels) in zip(batches, fixed, strict=True):
        np.testing.assert_array_equal(x, other)
        np.testing.assert_array_equal(y, labels)


def test_sequences_on_disk_give_the_batches_of_those_in_memory(tmp_path, monkeypatch):
    split = ragged_split(20)
    np.save(tmp_path / "values.npy", split.inputs.values)
    values = np.load(tmp_path / "values.npy", mmap_mode="r")
    mapped = Split(Ragged(values, split.inputs.starts, split.inputs.lengths), split.targets)
    monkeypatch.setattr("dlkit.data.batches.MEMORY_BYTES", 0)
    assert not in_memory(mapped)
    for (x, y), (other, labels) in zip(collect(0, 5, split), collect(0, 5, mapped), strict=True):
        np.testing.assert_array_equal(x, other)
        np.testing.assert_array_equal(y, labels)


def test_texts_are_batches_of_strings_of_similar_length():
    texts = ["a" * n + "ż" for n in np.random.default_rng(1).integers(0, 50, 100)]
    split = Split(Texts.of_strings(texts), np.arange(100))
    seen = collect(0, 25, split)
    assert sorted(np.concatenate([y for _, y in seen])) == list(range(100))
    spans = []
    for x, y in seen:
        assert [text.decode() for text in x] == [texts[index] for index in y]
        spans.append(max(map(len, x)) - min(map(len, x)))
    assert max(spans) < 10
    assert split.inputs[3] == texts[3].encode()
    assert split.inputs[:2].tolist() == [t.encode() for t in texts[:2]]


def test_integers_are_padded_with_zero_or_with_what_their_source_says():
    rows = [np.array([1, 2, 3]), np.array([4])]
    assert Ragged.of(rows)[:].tolist() == [[1, 2, 3], [4, 0, 0]]
    split = Split(Ragged.of(rows), Ragged.of(rows, padding=-1))
    ((x, y),) = collect(0, 1, split, shuffle=False)
    assert x.tolist() == [[1, 2, 3], [4, 0, 0]]
    assert y.tolist() == [[1, 2, 3], [4, -1, -1]]


def test_normalization_learns_from_real_steps_only():
    split = ragged_split(30)
    preprocess = build_preprocess(ArraySpec((None, 2), "float32"), [keras.layers.Normalization()])
    adapt(split, preprocess, batch_size=7)
    steps = split.inputs.flat()
    np.testing.assert_allclose(np.ravel(preprocess.layers[1].mean), steps.mean(0), rtol=1e-5)
    np.testing.assert_allclose(np.ravel(preprocess.layers[1].variance), steps.var(0), rtol=1e-4)
    out = np.asarray(preprocess(split.inputs[:5]))
    assert np.isnan(out).sum() == np.isnan(split.inputs[:5]).sum() > 0
