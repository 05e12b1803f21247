"""The task: targets and weights, its table and figure, the pipeline's alignment, and training on real digits' ink."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from dlkit.components.losses.cross_entropy_dice import CrossEntropyDice
from dlkit.components.losses.soft_dice import SoftDice
from dlkit.components.tasks.segmentation import Segmentation
from dlkit.data.pipeline import InputPipeline, random_crops
from dlkit.data.source import build_dataset, describe
from dlkit.data.splits import load_splits
from dlkit.draws import example_seeds
from dlkit.errors import InputError
from dlkit.interfaces.data import VOID, ArraySpec, Description
from dlkit.interfaces.task import Examined
from dlkit.model.build import build_model
from dlkit.model.compile import compile_model
from dlkit.recipe import load_recipe

RECIPE = """
recipe: 1
name: ink
task: {segmentation: {fully_convolutional: true}}
data:
  source: {image_mask_folder: {directory: FOLDER, class_names: [paper, ink], channels: 1, test_fraction: 0.2}}
  validation: {fraction: 0.25, seed: 0}
  resize: {height: 24, width: 24}
  patch: {height: 16, width: 16, per_image: 3}
  preprocess:
    - Rescaling: {scale: 1/255}
model: {unet: {depth: 2, filters: 4, activation: sigmoid}}
training:
  batch_size: 4
  epochs: 2
  optimizer: {Adam: {learning_rate: 0.01}}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """A recipe for the ink of twenty real digits."""
    from dlkit.components.datasets.digits import Digits

    root = tmp_path_factory.mktemp("ink")
    for name in ("images", "masks"):
        (root / "scans" / name).mkdir(parents=True)
    for index, image in enumerate(Digits().load("train", None).inputs[:20, ..., 0]):
        Image.fromarray(image).save(root / "scans" / "images" / f"{index:02}.png")
        Image.fromarray((image > 127).astype(np.uint8)).save(root / "scans" / "masks" / f"{index:02}.png")
    (root / "ink.yaml").write_text(RECIPE.replace("FOLDER", str(root / "scans")))
    return root / "ink.yaml"


@pytest.fixture(scope="module")
def run(recipe, places, silent, drawing):
    from dlkit.training.run import train_recipe

    with drawing():
        return train_recipe(load_recipe(recipe), places / "runs", silent())


def network(channels, padding="same"):
    image = keras.Input((None, None, 1))
    return keras.Model(image, keras.layers.Conv2D(channels, 3, padding=padding, activation="sigmoid")(image))


def test_targets_are_one_hot_or_one_channel_and_void_is_neither():
    labels = np.array([[[0, 1], [VOID, 1]]], np.uint8)
    several = Segmentation().prepare_targets(labels, None, network(2))
    np.testing.assert_array_equal(several, [[[[1, 0], [0, 1]], [[0, 0], [0, 1]]]])
    one = Segmentation().prepare_targets(labels, None, network(1))
    np.testing.assert_array_equal(one[..., 0], [[[0, 1], [0, 1]]])


def test_weights_are_those_of_the_classes_nothing_for_void_and_one_on_average():
    labels = np.array([[[0, 1], [VOID, 1]]], np.uint8)
    np.testing.assert_allclose(Segmentation().sample_weights(labels, None), [[[4 / 3, 4 / 3], [0, 4 / 3]]], rtol=1e-6)
    weighted = Segmentation(class_weights=[1, 3]).sample_weights(labels, None)
    np.testing.assert_allclose(weighted, np.array([[[1, 3], [0, 3]]]) * 4 / 7, rtol=1e-6)
    assert not np.asarray(Segmentation().sample_weights(np.full((1, 2, 2), VOID), None)).any()


def test_the_loss_is_the_mean_over_valid_pixels_and_metrics_leave_void_out(recipe):
    loaded = load_recipe(recipe, ["task.segmentation.class_weights=[1, 4]"])
    built = build_model(loaded.recipe, describe(loaded.recipe, build_dataset(loaded.recipe)))
    compile_model(built, loaded.recipe)
    splits = load_splits(loaded.recipe.data, build_dataset(loaded.recipe), stratified=False)
    images, labels = splits.train.inputs[:4], np.array(splits.train.targets[:4])
    labels[:, :8] = VOID
    x, y, weights = built.prepare(images, labels)
    found = built.network.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)
    p = np.clip(np.asarray(built.network(x)), 1e-7, 1 - 1e-7)[:, 8:, :, 0]
    t = labels[:, 8:]
    entropy = -np.where(t == 1, np.log(p), np.log(1 - p))
    assert found["loss"] == pytest.approx(np.average(entropy, weights=np.where(t == 1, 4, 1)), rel=1e-4)
    assert found["accuracy"] == pytest.approx(np.mean((p > 0.5) == t), abs=1e-6)


def test_what_does_not_suit_is_an_error(recipe):
    images = Description(ArraySpec((8, 8, 1), "uint8"), ArraySpec((), "int64"), ("a", "b"))
    with pytest.raises(InputError, match="needs a mask"):
        Segmentation().target_spec(images)
    masks = Description(ArraySpec((8, 8, 1), "uint8"), ArraySpec((8, 8), "uint8"), ("a", "b"))
    with pytest.raises(InputError, match="3 class weights for 2 classes"):
        Segmentation(class_weights=[1, 1, 1]).target_spec(masks)
    with pytest.raises(InputError, match=r"returns \[None, None, 3\] for 2 classes"):
        Segmentation().check(network(3), Segmentation().target_spec(masks))
    dense = "{sequential: {layers: [Flatten, {Dense: {units: 576}}, {Reshape: {target_shape: [24, 24, 1]}}]}}"
    loaded = load_recipe(recipe, [f"model={dense}", "data.patch=null"])
    with pytest.raises(InputError, match=r"Flatten layer .* in a fully convolutional network") as caught:
        build_model(loaded.recipe, describe(loaded.recipe, build_dataset(loaded.recipe)))
    assert caught.value.problems[0].location is not None
    loaded = load_recipe("digits_mlp", ["data.patch={height: 4, width: 4}"])
    with pytest.raises(InputError, match="only images with masks"):
        build_model(loaded.recipe, describe(loaded.recipe, build_dataset(loaded.recipe)))
    loaded = load_recipe(recipe, ["data.patch.height=25"])
    with pytest.raises(InputError, match="25 x 16 pixels does not fit into images of 24 x 24"):
        load_splits(loaded.recipe.data, build_dataset(loaded.recipe), stratified=False)


def test_a_marked_pixel_travels_with_its_label(recipe):
    """Through crops, flips, rotations, shifts and zooms: where the picture is bright, the mask has the class."""
    affine = "{random_affine: {horizontal_flip: true, vertical_flip: true, rotation: 1, shift: 0.2, zoom: 0.3, " + (
        "fill_mode: constant, interpolation: nearest}}"
    )
    loaded = load_recipe(recipe, [f"data.augment=[{affine}]", "training.batch_size=32"])
    splits = load_splits(loaded.recipe.data, build_dataset(loaded.recipe), stratified=False)
    place = np.random.default_rng(0).integers(6, 18, (len(splits.train), 2))
    images, masks = np.zeros(splits.train.inputs.shape, np.uint8), np.zeros(splits.train.targets.shape, np.uint8)
    for index, (row, column) in enumerate(place):
        images[index, row : row + 3, column : column + 3] = 255
        masks[index, row : row + 3, column : column + 3] = 1
    marked = type(splits.train)(images, masks)
    augment = loaded.recipe.data.augment
    pipeline = InputPipeline(loaded.recipe, lambda x, y: (x, y), moves_targets=True, augment=augment)
    seen = 0
    for x, y in pipeline.train_batches(marked, 0, 3 * pipeline.steps(marked)):
        assert x.shape[1:] == (16, 16, 1)
        assert y.shape[1:] == (16, 16)
        np.testing.assert_array_equal(x[..., 0] == 255, y == 1)
        np.testing.assert_array_equal(np.isin(y, (0, 1, VOID)), True)
        seen += int(tf.reduce_sum(tf.cast(y == 1, tf.int32)))
    assert seen > 100


def test_crops_are_drawn_anew_and_lie_in_the_image():
    images = tf.reshape(tf.range(3 * 9 * 7), (3, 9, 7, 1))
    found = set()
    for epoch in range(40):
        seeds = example_seeds(0, 0, tf.constant(epoch, tf.int64), tf.range(3))
        crops = np.asarray(random_crops(images, seeds, (8, 5)))
        np.testing.assert_array_equal(crops[..., 0], np.asarray(random_crops(images[..., 0], seeds, (8, 5))))
        for image, crop in zip(np.asarray(images), crops, strict=True):
            row, column = divmod(int(crop[0, 0, 0] - image[0, 0, 0]), 7)
            np.testing.assert_array_equal(crop, image[row : row + 8, column : column + 5])
            found.add((row, column))
    assert found == {(row, column) for row in (0, 1) for column in (0, 1, 2)}


def test_an_unpadded_network_is_compared_with_the_middle_of_the_mask(recipe):
    loaded = load_recipe(recipe, ["model.unet.padding=valid", "model.unet.depth=1", "data.patch=null"])
    built = build_model(loaded.recipe, describe(loaded.recipe, build_dataset(loaded.recipe)))
    masks = np.arange(24 * 24, dtype=np.uint8).reshape(1, 24, 24) % 2
    x, y, weights = built.prepare(np.zeros((1, 24, 24, 1), np.uint8), masks)
    assert built.network(x).shape == y.shape == (1, 8, 8, 1)
    np.testing.assert_array_equal(y[..., 0], masks[:, 8:16, 8:16])
    assert weights.shape == (1, 8, 8)


def test_the_table_counts_over_batches():
    truth = np.array([[[0, 0, 1, VOID]], [[1, 1, 2, 0]]], np.uint8)
    mask = np.array([[[0, 1, 1, 0]], [[1, 0, 2, 0]]], np.uint8)
    images = np.zeros((2, 1, 4, 1), np.uint8)
    parts = (Examined(images[i : i + 1], None, truth[i : i + 1], None, {"mask": mask[i : i + 1]}) for i in (0, 1))
    report = Segmentation().report(parts, ("a", "b", "c"))
    assert list(report.figures) == ["segmentation"]
    a, b, c = report.table
    assert a == {"class": "a", "accuracy": pytest.approx(2 / 3), "dice": pytest.approx(2 / 3), "iou": 0.5, "pixels": 3}
    assert b == {"class": "b", "accuracy": pytest.approx(2 / 3), "dice": pytest.approx(2 / 3), "iou": 0.5, "pixels": 3}
    assert c == {"class": "c", "accuracy": 1, "dice": 1, "iou": 1, "pixels": 1}


def test_training_writes_metrics_table_and_figure(run):
    assert run.updates == 2 * 9  # 12 images, three crops of each, in batches of 4
    assert {"accuracy", "dice", "iou", "val_dice"} < set(run.metrics)
    table = (run.run.path / "per_class_validation.csv").read_text().splitlines()
    assert table[0] == "class,accuracy,dice,iou,pixels"
    assert [line.split(",")[0] for line in table[1:]] == ["paper", "ink"]
    assert (run.run.path / "figures" / "segmentation_validation.png").stat().st_size > 10_000


def test_export_gives_probabilities_and_masks_of_any_size(run, tmp_path, reload_here):
    from dlkit.export.export import export
    from dlkit.model.trained import open_run

    path, certificate = export(open_run(run.run), "saved_model", tmp_path)
    assert certificate["passed"]
    served = tf.saved_model.load(str(path))
    outputs = served.signatures["serving_default"](inputs=tf.zeros((1, 40, 56, 1), tf.uint8))
    assert outputs["probabilities"].shape == (1, 24, 24, 2)
    assert outputs["mask"].dtype == tf.uint8


def test_predict_takes_images_of_any_size_and_writes_masks_that_can_be_read_again(recipe, places, silent, tmp_path):
    from dlkit.components.datasets._masks import read_mask
    from dlkit.components.datasets.digits import Digits
    from dlkit.evaluation.evaluate import evaluate
    from dlkit.evaluation.predict import predict
    from dlkit.evaluation.tiling import Tiles
    from dlkit.model.trained import open_run
    from dlkit.training.run import train_recipe

    loaded = load_recipe(recipe, ["data.resize=null", "data.patch={height: 8, width: 8}", "training.epochs=1"])
    trained = open_run(train_recipe(loaded, places / "runs", silent()).run)
    page = Digits().load("train", None).inputs[:6, ..., 0].reshape(48, 8)
    for name, picture in (("one", page[:45, :7]), ("two", page)):
        (tmp_path / name).mkdir()
        Image.fromarray(picture).save(tmp_path / name / "page.png")
    whole = predict(trained, [tmp_path / "one", tmp_path / "two"], output=tmp_path / "masks")
    assert [row["picture"] for row in whole] == [str(tmp_path / "masks" / n) for n in ("page.png", "page_2.png")]
    mask = read_mask(tmp_path / "masks" / "page.png", None, [], 2)
    assert mask.shape == (45, 7)
    assert whole[0]["shares"]["ink"] == pytest.approx(np.mean(mask == 1))
    by_tiles = predict(trained, [tmp_path / "one", tmp_path / "two"], Tiles(16))
    assert [row["shares"] for row in by_tiles] == [row["shares"] for row in whole]
    metrics = evaluate(trained, "test")
    tiled = evaluate(trained, "test", Tiles(8))
    assert tiled == {name: pytest.approx(value, abs=1e-5) for name, value in metrics.items()}
    assert trained.run.read_json("metrics.json")["evaluation"]["test"]["tiles"] == {"size": 8, "overlap": None}


def test_images_that_do_not_fit_the_network_are_an_error_before_training(recipe):
    from dlkit.training.prepare import prepare

    with pytest.raises(InputError, match="images of 22 x 22 pixels do not fit the network") as caught:
        prepare(load_recipe(recipe, ["data.resize={height: 22, width: 22}"]))
    assert "multiples of 4" in caught.value.problems[0].hint


def test_a_certificate_lets_rounding_decide_between_equal_classes_alone():
    from dlkit.export.compare import Request, compare
    from dlkit.interfaces.exporter import Tolerance

    wanted = np.zeros((1, 200, 100), np.uint8)
    for wrong, passed in ((2, True), (3, False)):
        found = wanted.copy()
        found.flat[:wrong] = 1
        answers = {f"0/{turn}/mask": found for turn in range(4)}
        check = compare(
            0, Request("samples/serve/x", wanted, {"mask": wanted}, np.zeros(1, bool)), answers, Tolerance()
        )
        assert check["passed"] is passed
        assert check["label_agreement"] == pytest.approx(1 - wrong / 20_000)


def test_more_classes_than_a_mask_can_represent_are_an_error():
    """Masks are 8-bit, and 255 is no class."""
    from dlkit.components.datasets.declared import Declared

    def described(classes):
        return Declared(shape=[8, 8, 3], classes=classes, masks=True).describe()

    assert Segmentation().target_spec(described(255)).shape == (8, 8, 255)
    with pytest.raises(InputError, match="the data has 256 classes of pixels"):
        Segmentation().target_spec(described(256))


@pytest.mark.parametrize("channels", [1, 2])
def test_logits_give_the_masks_metrics_and_probabilities_that_they_stand_for(channels):
    draws = np.random.default_rng(0)
    logits = draws.normal(size=(2, 6, 6, channels)).astype("float32") * 4
    likely = 1 / (1 + np.exp(-logits)) if channels == 1 else np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    inputs = keras.Input((6, 6, channels))
    network = keras.Model(inputs, keras.layers.Identity()(inputs))
    kind = keras.losses.BinaryCrossentropy if channels == 1 else keras.losses.CategoricalCrossentropy
    plain, task = Segmentation(), Segmentation(loss=kind(from_logits=True))
    wanted, found = plain.outputs(likely.astype("float32")), task.outputs(logits)
    assert np.array_equal(found["mask"], wanted["mask"])
    np.testing.assert_allclose(found["probabilities"], wanted["probabilities"], atol=1e-6)
    targets = plain.prepare_targets(draws.integers(0, 2, (2, 6, 6)), None, network)
    for right, metric in zip(plain.metrics_for(network), task.metrics_for(network), strict=True):
        right.update_state(targets, likely)
        metric.update_state(targets, logits)
        assert float(metric.result()) == pytest.approx(float(right.result()))
    for loss in (SoftDice, CrossEntropyDice):
        assert float(loss(from_logits=True)(targets, logits)) == pytest.approx(float(loss()(targets, likely)), rel=1e-4)
        assert Segmentation(loss=loss(from_logits=True)).from_logits
