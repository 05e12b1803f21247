"""Every image classifier: full-size counts and gradients, eight real images learnt by heart, two round trips."""

import gc

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.analysis.cost import layer_costs, total_cost
from dlkit.analysis.table import count_parameters, explain, layer_rows
from dlkit.data.source import build_dataset, describe
from dlkit.export.export import export
from dlkit.model.build import build_model, table_differences
from dlkit.model.compile import compile_model
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.training.run import train_recipe

COUNTS = {
    "lenet5_1998": (60_000, 0),
    "alexnet": (62_378_344, 0),
    "alexnet_grouped": (60_965_224, 0),
    "zfnet": (62_357_608, 0),
    "vgg16": (138_357_544, 0),
    "vgg19": (143_667_240, 0),
    "googlenet": (6_998_552, 0),
    "googlenet_aux": (13_378_280, 0),
    "resnet50": (25_636_712, 53_120),
    "resnet101": (44_707_176, 105_344),
    "resnet152": (60_419_944, 151_424),
    "resnet20": (271_098, 1_376),
    "vgg_small": (3_248_202, 0),
    "nin": (966_986, 0),
    "allconv": (1_369_738, 0),
    "googlenet_cifar": (660_842, 3_768),
}
NARROW = {
    "alexnet": ["model={alexnet: {strides: 2, width_divisor: 8}}"],
    "alexnet_grouped": ["model={alexnet: {grouped: true, strides: 2, width_divisor: 8}}"],
    "zfnet": ["model={zfnet: {width_divisor: 8}}"],
    "googlenet": ["model={googlenet: {dropout: 0, width_divisor: 8}}"],
    "googlenet_aux": ["model={googlenet: {dropout: 0, auxiliary: true, stem: small, width_divisor: 8}}"],
    "googlenet_cifar": ["model.googlenet.width_divisor=8", "model.googlenet.dropout=0"],
    "lenet5_1998": ["data.preprocess=[{Rescaling: {scale: 1.275/16, offset: -0.1}}]"],  # its widths are its codes'
}
DEEPER = ("resnet101", "resnet152")  # resnet50 with more of its blocks
SIDES = {"googlenet_aux": 32, "googlenet_cifar": 32, "resnet20": 32, "nin": 32, "allconv": 32, "vgg_small": 32}


@pytest.fixture(autouse=True)
def memory():
    """Give back what a net of a hundred million weights took."""
    yield
    keras.utils.clear_session()
    gc.collect()


@pytest.mark.parametrize("name", COUNTS)
def test_at_full_size_counts_are_those_of_the_reference_and_one_step_reaches_every_weight(name, photos):
    recipe = load_recipe(name).recipe
    built = build_model(recipe, describe(recipe, build_dataset(recipe)))
    total, non_trainable = COUNTS[name]
    counted = {"total": total, "trainable": total - non_trainable, "non_trainable": non_trainable}
    assert count_parameters(built.network) == counted
    assert table_differences(recipe, built.network) == []
    assert len(explain(built.network)) == len(layer_rows(built.network))  # raises where a formula differs from Keras
    assert total_cost(built.network, layer_costs(built.network))["uncounted"] == []
    network = compile_model(built, recipe)
    height, width, channels = built.raw_spec.shape
    files = sorted((photos / "train").rglob("*.jpg"))[:2]
    images = [tf.image.resize(tf.io.decode_jpeg(file.read_bytes(), channels), (height, width)) for file in files]
    targets = np.array([0, 1])
    inputs, expected = built.preprocess(tf.cast(tf.stack(images), built.raw_spec.dtype)), targets
    expected = built.task.prepare_targets(targets, inputs, network)
    names = list(network.output) if isinstance(network.output, dict) else None
    with tf.GradientTape() as tape:
        outputs = network(inputs, training=True)
        wanted = dict.fromkeys(names, expected) if names else expected
        loss = network.compute_loss(inputs, wanted, outputs)
    gradients = tape.gradient(loss, network.trainable_variables)
    for variable, gradient in zip(network.trainable_variables, gradients, strict=True):
        values = np.asarray(gradient)
        assert np.all(np.isfinite(values)), variable.path
        assert np.any(values != 0), variable.path


def settings_for(name, file):
    recipe = load_recipe(name)
    side = SIDES.get(name, 64)
    settings = [
        f"data.source={{arrays: {{train: {file}, classes: 10}}}}",
        f"data.resize={{height: {side}, width: {side}}}",
        "data.validation=none",
        "data.augment=[]",
        "training.batch_size=8",
        "training.epochs=400",
        "training.optimizer={Adam: {learning_rate: 0.001}}",
        "training.monitor=loss",
        "training.callbacks=[{StopAtLoss: {loss: 0.04}}]",
    ]
    if name == "lenet5_1998":
        settings[1] = "data.resize={height: 32, width: 32}"
    else:
        settings.append("data.preprocess=[{Rescaling: {scale: 1/8, offset: -1}}]")
    if name.startswith("googlenet_"):
        settings.append("model.googlenet.auxiliary_dropout=0")
    model = recipe.recipe.model
    if model.name == "sequential":
        layers = enumerate(model.settings["layers"])
        rates = [number for number, layer in layers if layer.name == "Dropout"]
        settings += [f"model.sequential.layers.{number}.Dropout.rate=0" for number in rates]
    return [*NARROW.get(name, [f"model.{model.name}.width_divisor=8"]), *settings]


@pytest.mark.parametrize("name", [name for name in COUNTS if name not in DEEPER])
def test_eight_digits_are_learnt_by_heart_and_survive_two_round_trips(name, tmp_path, reporter, reload_here):
    from sklearn.datasets import load_digits

    digits = load_digits()
    file = tmp_path / "eight.npz"
    np.savez(file, x=digits.images[:8, :, :, None].astype("uint8"), y=digits.target[:8])
    result = train_recipe(load_recipe(name, settings_for(name, file)), tmp_path / "runs", reporter)
    assert result.metrics["loss"] < 0.05
    trained = open_run(result.run)
    _, certificate = export(trained, "saved_model")
    assert certificate["passed"]
    assert certificate["label_agreement"] == 1.0
    again = keras.models.load_model(result.run.path / "last.keras")
    seen = trained.built.preprocess(trained.built.resize(digits.images[:8, :, :, None].astype("uint8")))
    for first, second in zip(
        tf.nest.flatten(trained.built.network(seen, training=False)),
        tf.nest.flatten(again(seen, training=False)),
        strict=True,
    ):
        np.testing.assert_array_equal(np.asarray(first), np.asarray(second))
