"""What the pictures show equals the network's own numbers."""

from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from dlkit.analysis.graph import boxes_of
from dlkit.components.datasets.circles import Circles
from dlkit.data.source import build_dataset, describe
from dlkit.figures.network import layout
from dlkit.figures.neuron import line_ends, surface
from dlkit.model.build import build_model
from dlkit.model.splits import read_split
from dlkit.plots.examples import outputs_of
from dlkit.plots.kinds import (
    augmentations,
    curves,
    dice,
    embeddings,
    feature_maps,
    filters,
    kernel_pca,
    masks,
    neuron,
    patches,
    predictions,
    relu_approximation,
    saliency,
    sizes,
)
from dlkit.recipe import load_recipe
from dlkit.worked import fixtures
from dlkit.worked.examples import neuron as worked_neuron


@pytest.fixture
def image(tiny):
    return np.asarray(read_split(tiny, "validation").inputs[3:4])[0]


def test_the_grid_of_filters_is_the_kernels(tiny, trained_run):
    first, second = (layer for layer in tiny.built.network.layers if isinstance(layer, keras.layers.Conv2D))
    kernel = np.asarray(first.kernel)
    for number, shown in enumerate(filters.filter_images(tiny, first)):
        assert shown.tolist() == kernel[:, :, 0, number].tolist()
    np.testing.assert_allclose(filters.filter_images(tiny, second)[2], np.asarray(second.kernel)[..., 2].mean(2))
    figure = filters.plot(tiny)["filters-conv2d"]
    low, high = kernel.min(), kernel.max()
    drawn = figure.axes[1].images[0].get_array()
    np.testing.assert_allclose(drawn * (high - low) + low, kernel[:, :, 0, 1], atol=1e-6)


def test_layers_of_nested_networks_are_found_and_nested_networks_have_maps():
    recipe = load_recipe("ae_conv").recipe
    network = build_model(recipe, describe(recipe, build_dataset(recipe))).network
    run = SimpleNamespace(
        built=SimpleNamespace(network=network, preprocess=keras.Sequential([keras.layers.Identity()]))
    )
    image = np.random.default_rng(0).random((28, 28, 1), np.float32)
    found = feature_maps.maps(run, image)
    np.testing.assert_array_equal(found["encoder"], network.get_layer("encoder")(image[None])[0])
    first = network.get_layer("encoder").layers[1]
    assert list(filters.plot(run)) == [f"filters-{first.name}"]


def test_the_weights_of_a_first_dense_layer_are_images(trained_run):
    from dlkit.model.trained import open_run

    run = open_run(trained_run)
    (dense,) = [layer for layer in run.built.network.layers if layer.name == "dense"]
    images = filters.filter_images(run, dense)
    assert images[5].tolist() == np.asarray(dense.kernel)[:, 5].reshape(8, 8).tolist()


def test_feature_maps_are_the_outputs_of_the_layers(tiny, image):
    found = feature_maps.maps(tiny, image)
    x = tiny.built.preprocess(image[None], training=False)
    for layer in tiny.built.network.layers[1:]:
        x = layer(x, training=False)
        if layer.name in found:
            np.testing.assert_allclose(found[layer.name], np.asarray(x)[0], rtol=1e-5, atol=1e-6)
    assert list(found) == ["conv2d", "batch_normalization", "max_pooling2d", "conv2d_1"]
    shown = feature_maps.plot(tiny, example=3)["feature-maps-3"].axes[2].images[0].get_array()
    np.testing.assert_allclose(shown, found["conv2d"][..., 1])


def test_occlusion_is_the_answer_for_the_hidden_image(tiny, image):
    lost = saliency.occluded(tiny, image, 4, 2)
    assert lost.shape == (7, 7)
    hidden = image.copy()
    hidden[3:5, 6:8] = image.mean((0, 1)).astype(image.dtype)
    expected = np.asarray(tiny.built.predict_raw(hidden[None])["probabilities"])[0, 4]
    assert lost[3, 6] == pytest.approx(expected, rel=1e-5)


def test_the_gradient_is_that_of_the_answer(tiny, image):
    slopes = saliency.gradient(tiny, image, 4)
    x = np.asarray(tiny.built.preprocess(image[None], training=False))
    ends = []
    for step in (1e-3, -1e-3):
        moved = x.copy()
        moved[0, 2, 4, 0] += step
        ends.append(np.log(np.asarray(tiny.built.network(moved, training=False))[0, 4]))
    assert slopes[2, 4] == pytest.approx(abs(ends[0] - ends[1]) / 2e-3, rel=0.05, abs=1e-3)


def test_augmentations_are_those_of_the_training(tiny_recipe):
    from dlkit.data.pipeline import InputPipeline
    from dlkit.data.source import build_dataset
    from dlkit.data.splits import load_splits

    loaded = load_recipe(tiny_recipe, ["training.shuffle=false"])
    shown = augmentations.augmented(loaded, 1)
    assert len(shown) == 25
    recipe = loaded.recipe
    pipeline = InputPipeline(recipe, lambda *batch: batch[:2], False, recipe.resolved_phases()[0].augment)
    train = load_splits(recipe.data, build_dataset(recipe), True).train
    steps = pipeline.steps(train)
    for epoch in (0, 2):
        (batch,) = pipeline.train_batches(train, epoch * steps, epoch * steps + 1)
        np.testing.assert_allclose(np.asarray(batch[0])[1], shown[epoch], atol=1e-3)


def test_predictions_are_counted_and_their_bars_are_the_probabilities(tiny):
    data = read_split(tiny, "validation")
    scores = np.asarray(tiny.built.predict_raw(data.inputs[5:20])["probabilities"])
    right = int((scores.argmax(1) == data.targets[5:20]).sum())
    figure = predictions.plot(tiny, example=5)["predictions-5"]
    assert figure.get_suptitle() == f"Predictions for examples 5 to 19 of validation: {right} of 15 right"
    bars = [bar.get_width() for bar in figure.axes[1].patches]
    assert bars == pytest.approx(sorted(scores[0], reverse=True)[:5], rel=1e-5)
    marked = [axes.get_title().startswith("right") for axes in figure.axes[::2]]
    assert marked == (scores.argmax(1) == data.targets[5:20]).tolist()


def test_curves_are_the_history_of_each_run(tiny_run, trained_run):
    figure = curves.plot([tiny_run, trained_run], metric="accuracy")["curves-accuracy"]
    histories = [curves.history_of(run) for run in (tiny_run, trained_run)]
    expected = [history[key] for history in histories for key in ("accuracy", "val_accuracy")]
    assert [line.get_ydata().tolist() for line in figure.axes[0].lines] == expected


def test_the_decision_line_has_z_of_zero():
    for weights in (np.array([-8, 1, 1.4]), np.array([3, 2, 0.1]), np.array([1, 0, 2])):
        x1, x2 = line_ends(weights, np.array([0, 0]), np.array([9, 9]))
        np.testing.assert_allclose(weights[0] + weights[1] * x1 + weights[2] * x2, 0, atol=1e-12)
    assert line_ends(np.array([1, 0, 0]), np.zeros(2), np.ones(2)) is None


def test_the_surface_is_the_loss_at_a_hundred_random_points():
    samples = np.array(fixtures.SAMPLES, float)
    history = neuron.trained(samples)
    path = np.vstack([fixtures.START, history[:, -3:]])
    first, second, heights = surface(lambda weights: neuron.loss_of(samples, weights), path)
    draw = np.random.default_rng(0)
    for row, column in draw.integers(0, 60, (100, 2)):
        weights = (path[-1, 0], first[row, column], second[row, column])
        worked = worked_neuron.work(samples, weights, epochs=1)
        assert heights[row, column] == pytest.approx(worked.grid("training")[0, 1], rel=1e-12)
    assert neuron.loss_of(samples, path[:-1]) == pytest.approx(history[:, 1], rel=1e-12)
    assert path[-1] == pytest.approx(fixtures.NEURON_LAST, rel=1e-12)


def test_the_network_of_relus_meets_the_curve_at_its_bends():
    knots, weights, bias = relu_approximation.fitted(np.sin, 16)
    found = relu_approximation.network(knots, knots, weights, bias)
    np.testing.assert_allclose(found, np.sin(knots), atol=1e-12)


def test_principal_components_keep_what_they_say(tiny):
    rows = np.asarray(read_split(tiny, "validation").inputs[:30]).reshape(30, -1).astype(float)
    found = embeddings.embedded(rows)
    points = next(iter(found.values()))
    centred = (rows - rows.mean(0)) / rows.std()
    _, sizes, _ = np.linalg.svd(centred)
    np.testing.assert_allclose((points**2).sum(0), sizes[:2] ** 2, rtol=1e-6)
    shares = sizes[:2] ** 2 / (sizes**2).sum()
    assert next(iter(found)) == f"PCA ({shares[0]:.0%} and {shares[1]:.0%} of variance)"
    assert [item.shape for item in found.values()] == [(30, 2)] * 3
    layer = tiny.built.network.get_layer("dense")
    probabilities = outputs_of(tiny, [layer], np.asarray(read_split(tiny, "validation").inputs))[0]
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)


def test_boxes_have_the_branches_of_the_network():
    inputs = keras.Input((8, 8, 4))
    x = keras.layers.Conv2D(4, 3, padding="same")(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    y = keras.layers.Conv2D(4, 1)(x)
    x = keras.layers.Add()([x, y, inputs])
    boxes = boxes_of(keras.Model(inputs, keras.layers.Flatten()(x)))
    assert [(box.kind, box.level) for box in boxes] == [
        ("InputLayer", 0), ("Conv2D", 1), ("Conv2D", 2), ("Add", 3), ("Flatten", 4),
    ]  # fmt: skip
    assert boxes[1].title == "Conv2D 3x3 + BN + ReLU"
    assert boxes[1].detail == "8x8x4, 148"
    assert sorted(boxes[3].parents) == [0, 1, 2]
    places, _, rows = layout(boxes)
    assert len(set(places)) == len(boxes)
    assert rows == 5


def test_a_damaged_history_is_an_error(tiny_run, tmp_path):
    from dlkit.errors import InputError
    from dlkit.runs.directory import RunDirectory

    for content in ("epoch,loss\n0,high\n", "epoch,loss\n0,1,2\n\x00"):
        (tmp_path / "history.csv").write_text(content)
        with pytest.raises(InputError, match="is damaged"):
            curves.history_of(RunDirectory(Path(tmp_path)))


def test_a_patch_alone_gives_the_value_again(tiny):
    images = np.asarray(read_split(tiny, "validation").inputs)
    layer = tiny.built.network.get_layer("conv2d")
    found = patches.strongest(tiny, layer, images)
    assert len(found) == 6
    values = outputs_of(tiny, [layer], images)[0]
    for number in (0, 3):
        best = found[number]
        assert [len(best), best[0].pixels.shape] == [9, (3, 3, 1)]
        assert len({patch.example for patch in best}) == 9
        assert best[0].value == pytest.approx(values[:, 1:-1, 1:-1, number].max())
        for patch in best:
            alone = np.zeros_like(images[:1])
            alone[0][patch.rows, patch.columns] = patch.pixels
            again = outputs_of(tiny, [layer], alone)[0][0, patch.rows.start + 1, patch.columns.start + 1, number]
            assert again == pytest.approx(patch.value, rel=1e-5, abs=1e-6)
    assert patches.plot(tiny)["patches-conv2d"].get_suptitle().startswith("conv2d: nine patches of 3x3 pixels")


def test_sizes_are_those_of_the_table(tiny_run):
    assert sizes.size_of(tiny_run) == {"parameters": 854, "depth": 3, "width": 10}
    figure = sizes.plot([tiny_run], by="depth")["sizes-depth-val_accuracy"]
    measured = tiny_run.read_json("metrics.json")["training"]["metrics"]["val_accuracy"]
    assert figure.axes[0].collections[0].get_offsets().tolist() == [[3, measured]]


def test_discs_have_their_dice():
    figure = dice.plot()["dice"]
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[0] == "Dice 0.000, IoU 0.000"
    assert titles[-1] == "Dice 1.000, IoU 1.000"
    truth, moved = dice.disc(30), dice.disc(40)
    both = (truth * moved).sum()
    assert f"Dice {2 * both / (truth.sum() + moved.sum()):.3f}" in titles[2]


def test_kernel_pca_separates_the_circles_and_pca_does_not():
    train = Circles().load("train", None)
    points, classes = train.inputs, train.targets
    found = kernel_pca.projected(points)
    from sklearn.linear_model import LogisticRegression

    for name, low, high in (("PCA", 0, 0.8), ("kernel PCA", 1, 1)):
        line = LogisticRegression(C=1e6).fit(found[name], classes)
        assert low <= line.score(found[name], classes) <= high


def test_masks_need_a_segmentation(tiny):
    from dlkit.errors import InputError

    with pytest.raises(InputError, match="predicts no masks"):
        masks.plot(tiny)
