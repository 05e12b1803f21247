"""Learning from unlabelled examples: what a step optimizes, and that it is a pure function of the step."""

import keras
import numpy as np
import pytest

from dlkit.data.splits import NO_LABEL
from dlkit.errors import InputError
from dlkit.interfaces.reporter import Reporter
from dlkit.recipe import load_recipe
from dlkit.training.loop import Training
from dlkit.training.prepare import prepare
from dlkit.training.run import resume_run, train_recipe

FEW = ["data.limit=200", "data.labelled={per_class: 2}", "training.batch_size=8", "training.epochs=2", "expect={}"]
IMAGES = ["data.preprocess=[{Rescaling: {scale: 0.0625}}]"]
LAYERS = "[Flatten, {Dense: {units: 12, activation: relu}}, {Dense: {units: 10, activation: softmax}}]"
IMAGES += [f"model.sequential.layers={LAYERS}"]
PSEUDO = "training.pseudo_labels={ratio: 3, weight: 2}"
CONSISTENT = (
    "training.consistency={ratio: 3, threshold: 0.2, strong: [{random_affine: {shift: 0.2}}, {cutout: {size: 2}}]}"
)
CIRCLES = ["data.source=circles", "data.preprocess=[]"]
CIRCLES += ["model.sequential.layers=[{Dense: {units: 2, activation: softmax}}]"]
WEAK = "data.augment=[{random_affine: {shift: 0.1}}]"


def loaded(*changes):
    return load_recipe("digits_mlp", [*FEW, *changes])


def started(*changes):
    recipe = loaded(*changes)
    training = Training(recipe.recipe, prepare(recipe), Reporter())
    training.start()
    return training


def batch_at(training, step):
    return [np.asarray(part) for part in next(iter(training.steps.batches(step, step + 1)))]


def test_a_batch_is_the_mean_over_labelled_examples_and_the_weighted_mean_over_the_others():
    training = started(PSEUDO)
    x, y, weights = batch_at(training, 0)
    assert x.shape == (8 + 24, 64)
    assert training.steps.per_epoch == 7  # of 54 threes of unlabelled examples
    predicted = training.steps.network(x, training=False).numpy()
    np.testing.assert_array_equal(y[8:].argmax(1), predicted[8:].argmax(1))
    crossed = -np.log(predicted[np.arange(32), y.argmax(1)])
    expected = crossed[:8].mean() + 2 * crossed[8:].mean()
    loss = training.steps.network.compute_loss(x, y, predicted, weights)
    assert float(loss) == pytest.approx(expected, rel=1e-4)


def test_labelled_targets_are_those_of_the_data_and_the_others_have_none():
    training = started(PSEUDO)
    splits = training.prepared.splits
    assert np.bincount(splits.train.targets).tolist() == [2] * 10
    assert splits.unlabelled.targets.tolist() == [NO_LABEL] * 160
    known = {row.tobytes(): int(label) for row, label in zip(splits.train.inputs, splits.train.targets, strict=True)}
    x, y, _ = batch_at(training, 3)
    raw = (x[:8] * 255).round().astype(splits.train.inputs.dtype).reshape(8, 8, 8, 1)
    assert [known[row.tobytes()] for row in raw] == y[:8].argmax(1).tolist()


def test_the_weight_rises_in_a_straight_line_and_uncertain_predictions_count_as_nothing():
    training = started("training.pseudo_labels={ratio: 1, weight: 3, from_epoch: 0.5, to_epoch: 1.5, threshold: 0.15}")
    per_epoch = training.steps.per_epoch
    assert per_epoch == 20
    expected, counted = {0: 0, 10: 0, 20: 1.5, 25: 2.25, 30: 3, 39: 3}, []
    for step, batch in enumerate(training.steps.batches(0, 40)):
        if step not in expected:
            continue
        (x, _, weights), weight = map(np.asarray, batch), expected[step]
        certain = training.steps.network(x, training=False).numpy().max(1)[8:] >= 0.15
        np.testing.assert_allclose(weights[8:], 2 * weight * certain, rtol=1e-5)
        np.testing.assert_allclose(weights[:8], 2)
        counted += certain.tolist()
    assert 0.1 < np.mean(counted) < 0.9, sorted(counted)


def test_every_unlabelled_example_appears_once_an_epoch_and_labelled_ones_equally_often():
    training = started("training.pseudo_labels={ratio: 4}", "data.preprocess=[Flatten]")
    per_epoch = training.steps.per_epoch
    every = [np.asarray(batch[0]) for batch in training.steps.batches(0, 2 * per_epoch)]
    x = every[:per_epoch]
    labelled = np.concatenate([part[: len(part) // 5] for part in x])
    others = np.concatenate([part[len(part) // 5 :] for part in x])
    _, seen = np.unique(others, axis=0, return_counts=True)
    assert seen.tolist() == [1] * 160
    _, seen = np.unique(labelled, axis=0, return_counts=True)
    assert seen.tolist() == [2] * 20
    first, second = ({row.tobytes() for row in part[8:]} for part in (x[0], every[per_epoch]))
    assert len(first & second) < 16  # another order in every epoch
    stored = training.prepared.splits.unlabelled.inputs.reshape(160, 64).astype("float32")
    places = sorted(place for place, row in enumerate(stored) if row.tobytes() in first)
    assert len(places) == 32
    assert np.count_nonzero(np.diff(places) == 1) < 16  # neighbours do not come together


def test_consistency_learns_from_strong_views_of_the_examples_that_it_predicts_from_weak_ones():
    training = started(*IMAGES, WEAK, CONSISTENT)
    elements = training.steps._pipeline.train_steps(training.prepared.splits.train).elements(0, 1)
    _, weak, strong, step = next(iter(elements))
    assert weak.shape == strong.shape == (24, 8, 8, 1)
    assert int(step) == 0
    assert (np.abs(weak - strong).reshape(24, -1).sum(1) > 0).all()
    x, y, weights = batch_at(training, 0)
    np.testing.assert_array_equal(x[8:], strong)
    predicted = training.steps.network(weak, training=False).numpy()
    np.testing.assert_array_equal(y[8:].argmax(1), predicted.argmax(1))
    np.testing.assert_allclose(weights[8:], 4 / 3 * (predicted.max(1) >= 0.2), rtol=1e-6)


def test_both_views_of_an_example_have_draws_of_their_own():
    alike = "training.consistency={ratio: 3, strong: [{random_affine: {shift: 0.1}}]}"
    training = started(*IMAGES, WEAK, alike)
    _, weak, strong, _ = next(iter(training.steps._pipeline.train_steps(training.prepared.splits.train).elements(0, 1)))
    assert np.mean([not np.array_equal(one, other) for one, other in zip(weak, strong, strict=True)]) > 0.5


def test_augmentations_of_features_change_both_views():
    """Rows of a digit as frames of features."""
    rows = ["data.preprocess=[{Rescaling: {scale: 0.0625}}, {Reshape: {target_shape: [8, 8]}}]", *IMAGES[1:]]
    masks = "training.consistency={ratio: 3, strong: [{spec_augment: {frequency_masks: 2, frequencies: 3}}]}"
    training = started(*rows, "data.augment=[{spec_augment: {share: 0.5}}]", masks)
    _, weak, strong, _ = next(iter(training.steps._pipeline.train_steps(training.prepared.splits.train).elements(0, 1)))
    plain = started(*rows, "training.consistency={ratio: 3, strong: [{random_crop: {padding: 1}}]}")
    _, as_they_are, *_ = next(iter(plain.steps._pipeline.train_steps(plain.prepared.splits.train).elements(0, 1)))
    assert not np.array_equal(weak, as_they_are)
    assert not np.array_equal(strong, as_they_are)
    assert not np.array_equal(weak, strong)


def test_a_training_continues_within_an_epoch_with_the_same_bits(stopped, reporter, tmp_path):
    recipe = loaded(*IMAGES, WEAK, CONSISTENT)
    whole = train_recipe(recipe, tmp_path / "whole", reporter).run
    part = stopped(recipe, tmp_path / "part", reporter, 5)
    resume_run(recipe, part, reporter)
    for name in ("last.keras", "best.keras"):
        one, other = (keras.saving.load_model(run.path / name, compile=False).get_weights() for run in (whole, part))
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_shards_change_nothing_but_rounding():
    layers = (
        "model.sequential.layers=[{Dense: {units: 12, activation: relu}}, {Dense: {units: 10, activation: softmax}}]"
    )
    whole, cut = started(layers, PSEUDO), started(layers, PSEUDO, "training.shards=4")
    for training in (whole, cut):
        training.steps.take(training.steps.stream(0, 4), 4, fresh=True)
    for one, other in zip(whole.steps.network.get_weights(), cut.steps.network.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_a_single_unit_for_two_classes_and_several_outputs_learn_too():
    one = "[{Dense: {units: 1, activation: sigmoid}}]"
    training = started('data.classes=["0", "1"]', "data.limit=80", f"model.sequential.layers={one}", PSEUDO)
    x, y, _ = batch_at(training, 0)
    predicted = training.steps.network(x, training=False).numpy()
    np.testing.assert_array_equal(y[4:, 0] if len(y) == 16 else y[8:, 0], (predicted >= 0.5)[len(y) // 4 :, 0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["data.labelled={per_class: 30}"], "train has 18 examples of class"),
        (["data.augment=[mixup]", *IMAGES, PSEUDO], "mixup mixes examples"),
        (["training.consistency={strong: [gain]}"], r"gain needs recordings \[samples\]"),
        (["training.consistency={strong: [spec_augment]}"], "spec_augment needs prepro"),
        ([*CIRCLES, "training.consistency={strong: [{cutout: {size: 2}}]}"], "cutout needs images"),
    ],
)
def test_what_cannot_be_learnt_is_said_with_its_key(changes, message):
    recipe = loaded(*changes)
    with pytest.raises(InputError, match=message) as caught:
        prepare(recipe)
    assert str(caught.value.problems[0].location).startswith("--set ")
