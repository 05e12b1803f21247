"""Transfer from one run to the next: two phases in one run, features computed once, and resuming anywhere."""

import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.evaluation.evaluate import evaluate
from dlkit.experiments.reproduce import history, reproduce
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.reporter import Reporter
from dlkit.model.summary import summarise
from dlkit.model.trained import open_run
from dlkit.model.transfer import _source_layers
from dlkit.recipe import load_recipe
from dlkit.runs.directory import RunDirectory
from dlkit.runs.find import find_run
from dlkit.runs.parents import FOLDER
from dlkit.training import feature_cache
from dlkit.training.loop import Training
from dlkit.training.prepare import prepare
from dlkit.training.run import resume_run, train_recipe

SOURCE = """
recipe: 1
name: source
task: classification
data:
  source: digits
  limit: 400
  preprocess: [{Rescaling: {scale: 1/255}}]
model:
  sequential:
    layers:
      - Conv2D: {name: block1_conv1, filters: 8, kernel_size: 3, activation: relu}
      - BatchNormalization: {name: block1_bn}
      - Conv2D: {name: block2_conv1, filters: 8, kernel_size: 3, activation: relu}
      - Dropout: {name: block2_dropout, rate: 0.5}
      - Flatten: {name: flat}
      - Dense: {units: 10, activation: softmax}
training: {epochs: 3, optimizer: Adam}
"""
TRANSFER = """
recipe: 1
name: transfer
task: classification
data:
  source: digits
  limit: 250
  validation: {fraction: 0.2}
  preprocess: [{Rescaling: {scale: 1/255}}]
model:
  pretrained:
    weights: {run: SOURCE, upto: flat}
    head:
      - Dense: {units: 16, activation: relu}
      - Dropout: {rate: 0.3}
      - BatchNormalization
      - Dense: {units: 10, activation: softmax}
training:
  batch_size: 32
  epochs: 4
  seed: 1
  optimizer: {Adam: {learning_rate: 0.003}}
  phases:
    - trainable: [head]
      callbacks: [{EarlyStopping: {monitor: val_loss, min_delta: 0.1, patience: 0}}]
      epochs: 9
    - learning_rates: {backbone: 0.0003, head: 0.001}
      augment: [{random_affine: {shift: 0.1}}]
expect:
  parameters: {total: 2994, trainable: 2946, non_trainable: 48}
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory, silent):
    folder = tmp_path_factory.mktemp("source")
    (folder / "source.yaml").write_text(SOURCE)
    return train_recipe(load_recipe(folder / "source.yaml"), folder, silent()).run


@pytest.fixture(scope="module")
def recipe_file(source, tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "transfer.yaml"
    path.write_text(TRANSFER.replace("SOURCE", str(source.path)))
    return path


@pytest.fixture
def loaded(recipe_file):
    return load_recipe(recipe_file)


@pytest.fixture(scope="module")
def finished(recipe_file, tmp_path_factory, silent):
    return train_recipe(load_recipe(recipe_file), tmp_path_factory.mktemp("finished"), silent()).run


def values(run, name="last"):
    return [np.array(variable) for variable in open_run(run, name).built.network.variables]


def assert_same(first, second):
    assert history(first) == history(second)
    for name in ("last", "best"):
        for one, other in zip(values(first, name), values(second, name), strict=True):
            np.testing.assert_array_equal(one, other)


SOURCE_OF_THREE = """
recipe: 1
name: three
task: classification
data:
  source: digits
  limit: 100
  validation: none
  preprocess: [Rescaling: {scale: 1/16}, Flatten]
model:
  sequential:
    layers: [Dense: {units: 20}, Dense: {units: 15}, Dense: {units: 10, activation: softmax}]
training: {epochs: 1, optimizer: Adam}
"""


def test_two_phases_are_one_history(finished):
    rows = history(finished)
    first = [row for row in rows if row["phase"] == "0"]
    assert [row["epoch"] for row in rows] == [str(number) for number in range(len(rows))]
    assert 1 < len(first) < 9  # early stopping ended the phase, not the run
    assert len(rows) - len(first) == 4
    names = [f"learning_rate{group}" for group in ("", "_backbone", "_head")]
    assert [round(float(first[0][name] or 0), 6) for name in names] == [0.003, 0, 0]
    assert [round(float(rows[-1][name] or 0), 6) for name in names] == [0.003, 0.0003, 0.001]
    assert finished.read_json("metrics.json")["training"]["contract"] == []


def test_every_phase_has_its_own_augmentation(loaded):
    ready = prepare(loaded)
    training = Training(loaded.recipe, ready, Reporter())
    training.start()
    plain, _ = next(iter(training.steps.batches(0, 1)))
    assert (
        training.steps.stepped is not training.steps.network
    )  # the head learns from cached features, for nothing changes them
    training._next_phase()
    moved, _ = next(iter(training.steps.batches(0, 1)))
    assert training.steps.stepped is training.steps.network
    assert np.any(plain != moved, axis=(1, 2, 3)).all()


def test_it_begins_with_the_layers_of_the_source(source, finished, loaded):
    learnt = open_run(source).built.network
    backbone = open_run(finished).built.network.get_layer("backbone")
    assert [layer.name for layer in backbone.layers[1:]] == [layer.name for layer in learnt.layers[1:6]]
    for name in ("block1_conv1", "block2_conv1"):  # fine-tuned a little
        difference = np.abs(backbone.get_layer(name).kernel - learnt.get_layer(name).kernel)
        assert 0 < np.max(difference) < 0.05
    for statistic in ("moving_mean", "moving_variance"):  # batch norm stays in inference mode
        ours, theirs = (getattr(net.get_layer("block1_bn"), statistic) for net in (backbone, learnt))
        np.testing.assert_array_equal(ours, theirs)


def test_frozen_weights_are_bit_identical_after_training(source, recipe_file, tmp_path, reporter):
    loaded = load_recipe(recipe_file, ["training.phases=[{trainable: [head]}]"])
    run = train_recipe(loaded, tmp_path, reporter).run
    learnt = open_run(source).built.network
    for weight in open_run(run).built.network.get_layer("backbone").weights:
        np.testing.assert_array_equal(weight, next(item for item in learnt.weights if item.path == weight.path))
    counts = summarise(loaded)["parameters"]
    assert counts == {"total": 2994, "trainable": 2266, "non_trainable": 728}


def test_summary_counts_the_last_phase(loaded, finished):
    assert summarise(loaded)["contract"]["passed"]
    assert summarise(loaded, finished)["parameters"]["trainable"] == 2946


@pytest.mark.parametrize("stop_after", [5, "boundary", "second phase"])
def test_a_run_stopped_in_either_phase_goes_on_bit_identically(
    loaded, tmp_path, reporter, finished, stopped, stop_after
):
    boundary = 7 * sum(row["phase"] == "0" for row in history(finished))
    where = {"boundary": boundary, "second phase": boundary + 5}.get(stop_after, stop_after)
    run = stopped(loaded, tmp_path, reporter, where)
    assert_same(resume_run(loaded, run, type(reporter)()).run, finished)


def test_a_run_killed_before_its_first_snapshot_begins_with_the_same_weights(
    loaded, tmp_path, reporter, finished, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(Training, "run_to_end", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            train_recipe(loaded, tmp_path, reporter)
    run = find_run("transfer", tmp_path, finished=False)
    assert_same(resume_run(loaded, run, reporter).run, finished)


def uncached(monkeypatch):
    monkeypatch.setattr("dlkit.training.steps.head_network", lambda network, changed: None)


def test_cached_features_change_nothing_but_the_last_bits(loaded, tmp_path, reporter, finished, monkeypatch):
    uncached(monkeypatch)
    run = train_recipe(loaded, tmp_path, reporter).run
    for one, other in zip(history(run), history(finished), strict=True):
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            assert float(one[name]) == pytest.approx(float(other[name]), rel=1e-4)
    for one, other in zip(values(run), values(finished), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_features_are_computed_once_and_shared_by_runs(recipe_file, tmp_path, reporter, monkeypatch):
    computed = []
    plain = feature_cache._compute
    monkeypatch.setattr(feature_cache, "_compute", lambda *a: (computed.append(len(a[1])), plain(*a)))
    monkeypatch.setenv("DLKIT_CACHE", str(tmp_path / "cache"))
    settings = ["training.phases=[{trainable: [head]}]", "training.epochs=1"]
    for seed in (1, 2):
        train_recipe(load_recipe(recipe_file, [*settings, f"training.seed={seed}"]), tmp_path, reporter)
    assert computed == [200, 50]
    train_recipe(
        load_recipe(recipe_file, [*settings, "data.preprocess=[{Rescaling: {scale: 1/128}}]"]), tmp_path, reporter
    )
    assert computed == [200, 50, 200, 50]


@pytest.mark.parametrize(
    ("override", "cached"),
    [
        ("training.epochs=1", True),
        ("data.augment=[{random_affine: {shift: 0.1}}]", False),
        ("training.phases.0.augment=[{random_affine: {shift: 0.1}}]", False),
        ("training.phases.0.trainable=[block2, head]", False),
        ("training.phases.0.trainable=all", False),
        ("model.pretrained.head.0.Dense.kernel_regularizer=l2", True),
    ],
)
def test_features_stand_in_only_where_nothing_before_the_head_learns_or_draws(recipe_file, override, cached):
    from dlkit.data.source import build_dataset, describe
    from dlkit.model.build import build_model
    from dlkit.model.compile import compile_model

    recipe = load_recipe(recipe_file, [override]).recipe
    built = build_model(recipe, describe(recipe, build_dataset(recipe)))
    phase = recipe.resolved_phases()[0]
    compile_model(built, recipe, phase)
    assert (feature_cache.head_network(built.network, bool(phase.augment)) is not None) == cached


def test_features_of_other_weights_are_other_features(loaded):
    """Cached features of the same network with other weights must not be taken for its own."""
    ready = prepare(loaded)
    key = feature_cache._key(ready.built, loaded.recipe, ready.splits.train)
    assert feature_cache._key(ready.built, loaded.recipe, ready.splits.train) == key
    weight = ready.built.network.get_layer("backbone").weights[0]
    weight.assign(weight + 1e-3)
    assert feature_cache._key(ready.built, loaded.recipe, ready.splits.train) != key


def test_a_frozen_backbone_that_draws_or_is_penalised_is_not_cached():
    def network(*layers, backbone="backbone"):
        inputs = keras.Input((4,))
        nested = keras.Sequential([keras.Input((4,)), *layers], name=backbone)
        nested.trainable = False
        return keras.Model(inputs, keras.layers.Dense(2)(nested(inputs)))

    plain = keras.layers.Dense(3)
    assert feature_cache.head_network(network(plain), False) is not None
    assert feature_cache.head_network(network(plain, backbone="body"), False) is None
    assert feature_cache.head_network(network(keras.layers.Dropout(0.5)), False) is None
    assert feature_cache.head_network(network(keras.layers.Dense(3, activity_regularizer="l2")), False) is None


def test_a_finished_run_does_not_need_its_source_any_more(finished, source, tmp_path, monkeypatch):
    import shutil

    copy = RunDirectory(shutil.copytree(finished.path, tmp_path / "transfer" / "run"))
    assert (copy.path / FOLDER / "last.keras").read_bytes() == source.checkpoint("last").read_bytes()
    resolved = copy.resolved_recipe.read_text()
    copy.resolved_recipe.write_text(resolved.replace(str(source.path), "/nowhere"))
    np.testing.assert_array_equal(values(copy)[0], values(finished)[0])
    assert evaluate(open_run(copy), "validation") == evaluate(open_run(finished), "validation")


def test_a_transfer_is_reproduced_bit_identically(finished, tmp_path, reporter):
    assert reproduce(finished, tmp_path, reporter).verdict == "bit-identical"


def test_a_layer_that_the_source_has_not_is_named(recipe_file):
    with pytest.raises(InputError, match="has no layer 'flatt'") as caught:
        summarise(load_recipe(recipe_file, ["model.pretrained.weights.upto=flatt"]))
    assert "did you mean 'flat'" in caught.value.problems[0].hint


def test_layers_are_those_that_the_summary_of_the_source_names(tmp_path, silent):
    """Keras numbers layers through a process; `upto: dense_1` is the second of the source all the same."""
    path = tmp_path / "three.yaml"
    path.write_text(SOURCE_OF_THREE)
    run = train_recipe(load_recipe(path), tmp_path / "runs", silent()).run
    rows = summarise(load_recipe(path))["layers"]
    names = [row["name"] for row in rows]
    keras.layers.Dense(3)  # others have been made in this process
    for upto in names:
        backbone, load = _source_layers({"run": str(run.path), "upto": upto}, ArraySpec((64,), "float32"))
        load()
        row = next(row for row in rows if row["name"] == upto)
        assert list(backbone.output.shape[1:]) == row["output_shape"], upto
        assert len([layer for layer in backbone.layers if layer.weights]) == names.index(upto) + 1


def test_a_misspelt_group_is_one_message_with_its_line(recipe_file, dlkit):
    result = dlkit("validate", recipe_file, "--build", "--set", "training.phases.1.trainable=[heat]")
    assert result.code == 2
    assert "there is no layer with weights named 'heat'" in result.error


AUTOENCODER = """
recipe: 1
name: source_of_codes
task: autoencoding
data:
  source: digits
  limit: 100
  validation: none
  preprocess: [Rescaling: {scale: 1/16}]
model:
  autoencoder:
    encoder: [Conv2D: {filters: 3, kernel_size: 3, padding: same, activation: relu}, MaxPooling2D: {pool_size: 2}]
    decoder: [UpSampling2D: {size: 2}, Conv2D: {filters: 1, kernel_size: 3, padding: same}]
training: {epochs: 1, optimizer: Adam}
"""


def test_a_nested_network_of_the_source_is_a_layer_like_others(tmp_path, silent):
    path = tmp_path / "codes.yaml"
    path.write_text(AUTOENCODER)
    run = train_recipe(load_recipe(path), tmp_path / "runs", silent()).run
    backbone, load = _source_layers({"run": str(run.path), "upto": "encoder"}, ArraySpec((8, 8, 1), "float32"))
    load()
    images = np.random.default_rng(0).random((5, 8, 8, 1), np.float32)
    encoder = open_run(run).built.network.get_layer("encoder")
    np.testing.assert_array_equal(backbone(images), encoder(images))


def test_a_layer_with_two_outputs_is_no_start():
    with pytest.raises(InputError, match=r"'encoder' of vae has 2 outputs"):
        _source_layers({"run": "vae", "upto": "encoder"}, ArraySpec((28, 28, 1), "float32"))
