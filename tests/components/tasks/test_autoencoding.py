"""Autoencoders end to end on small real data: PCA, masks, resuming, codes, parts and their certificates."""

import csv
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from typer.testing import CliRunner

from dlkit.cli import app
from dlkit.components.datasets.digits import Digits
from dlkit.errors import DlkitError, InputError
from dlkit.evaluation.encode import encode_split
from dlkit.evaluation.evaluate import evaluate
from dlkit.evaluation.examine import Examiner
from dlkit.experiments.reproduce import history
from dlkit.export.compare import worst
from dlkit.export.export import export, verify
from dlkit.machine.interruption import Interrupted
from dlkit.model.build import build_model
from dlkit.model.parts import part_of
from dlkit.model.splits import read_split
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.runs.find import find_run
from dlkit.training.loop import Training
from dlkit.training.run import resume_run, train_recipe

HEAD = """
recipe: 1
name: {name}
task: {task}
data:
  source: {source}
  validation: {{fraction: 0.2}}
  corrupt: [{corrupt}]
  preprocess: [{preprocess}]
model:
  autoencoder:
{model}
training: {{batch_size: {batch}, epochs: {epochs}, seed: 1, optimizer: {optimizer}}}
"""
DEFAULTS = {
    "name": "ae",
    "task": "autoencoding",
    "source": "digits",
    "corrupt": "",
    "preprocess": "{Rescaling: {scale: 1/255}}, Flatten",
    "batch": 64,
    "epochs": 3,
    "optimizer": "{Adam: {learning_rate: 0.003}}",
}
TIED = """
    encoder: [{Dense: {units: 12, activation: sigmoid}}]
    decoder: [{TiedDense: {activation: sigmoid}}]
    sparsity: kl
    contraction: probe
"""
VARIATIONAL = """
    encoder: [Flatten, {Dense: {units: 16, activation: relu}}]
    latent: 2
    decoder: [{Dense: {units: 64, activation: sigmoid}}, {Reshape: {target_shape: [8, 8, 1]}}]
"""
NOISY_TIED = {
    "name": "tied",
    "model": TIED,
    "task": "{autoencoding: {loss_weights: {sparsity: 1e-3, jacobian: 1e-3}}}",
    "corrupt": "{gaussian_noise: {stddev: 0.3}}, salt_and_pepper",
}
MASKED_VARIATIONAL = {
    "name": "variational",
    "model": VARIATIONAL,
    "task": "{autoencoding: {loss: BinaryCrossentropy, loss_weights: {output: 64, kl: 0.5}}}",
    "corrupt": "masking_noise, {random_patches: {patch_size: 2}}",
    "preprocess": "{Rescaling: {scale: 1/255}}",
}


def recipe(folder, **values):
    content = DEFAULTS | values
    path = folder / f"{content['name']}.yaml"
    path.write_text(HEAD.format(**content))
    return load_recipe(path)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, silent, drawing):
    """A run of both recipes, with their figures."""
    folder = tmp_path_factory.mktemp("autoencoders")
    loaded = [recipe(folder, **values) for values in (NOISY_TIED, MASKED_VARIATIONAL)]
    with drawing():
        return {one.recipe.name: train_recipe(one, folder, silent()).run for one in loaded}


@pytest.fixture(scope="module")
def tied(runs):
    return open_run(runs["tied"])


@pytest.fixture(scope="module")
def variational(runs):
    return open_run(runs["variational"])


def is_tied(network):
    layer = network.get_layer("decoder").layers[-1]
    return layer.tied_to.kernel is network.get_layer("encoder").layers[-1].kernel


def rows(run, split):
    with (run.path / f"per_method_{split}.csv").open() as stream:
        return {row["method"]: row for row in csv.DictReader(stream)}


# against PCA


def test_a_linear_autoencoder_reaches_the_error_of_pca(tmp_path, reporter):
    from sklearn.decomposition import PCA

    linear = """
    encoder: [{Dense: {units: 8}}]
    decoder: [{Dense: {units: 64}}]
"""
    schedule = "{CosineDecay: {initial_learning_rate: 0.01, decay_steps: 2700}}"
    values = {"name": "linear", "model": linear, "epochs": 150, "optimizer": f"{{Adam: {{learning_rate: {schedule}}}}}"}
    trained = open_run(train_recipe(recipe(tmp_path, **values), tmp_path, reporter).run)
    metrics = evaluate(trained, "train")
    x = read_split(trained, "train").inputs.reshape(-1, 64) / 255
    pca = PCA(8).fit(x)
    by_hand = np.mean((pca.inverse_transform(pca.transform(x)) - x) ** 2)
    assert metrics["pca_mse"] == pytest.approx(by_hand, rel=1e-4)
    assert metrics["mean_mse"] == pytest.approx(x.var(axis=0).mean(), rel=1e-4)
    assert 1 <= metrics["mse"] / metrics["pca_mse"] < 1.02


def test_a_nonlinear_autoencoder_beats_pca_on_circles(tmp_path, reporter):
    from sklearn.datasets import make_circles

    for split, seed in (("train", 0), ("test", 1)):
        x, y = make_circles(800, factor=0.5, noise=0.02, random_state=seed)
        np.savez(tmp_path / f"{split}.npz", x=x.astype("float32"), y=y)
    bent = """
    encoder: [{Dense: {units: 64, activation: relu}}, {Dense: {units: 32, activation: relu}}, {Dense: {units: 1}}]
    decoder: [{Dense: {units: 32, activation: relu}}, {Dense: {units: 64, activation: relu}}, {Dense: {units: 2}}]
"""
    source = f"{{arrays: {{train: {tmp_path / 'train.npz'}, test: {tmp_path / 'test.npz'}, classes: 2}}}}"
    values = {"name": "circles", "model": bent, "source": source, "preprocess": "", "epochs": 150}
    trained = open_run(train_recipe(recipe(tmp_path, **values), tmp_path, reporter).run)
    metrics = evaluate(trained, "test")
    assert metrics["mse"] < 0.6 * metrics["pca_mse"]


# what evaluation says


def test_the_report_measures_what_keras_measures(runs, tied, variational):
    for trained in (tied, variational):
        metrics = evaluate(trained, "test")
        table = rows(trained.run, "test")
        assert float(table["autoencoder"]["mse"]) == pytest.approx(metrics["mse"], rel=1e-4)
        assert float(table["autoencoder"]["mae"]) == pytest.approx(metrics["mae"], rel=1e-4)
        assert float(table["autoencoder"]["psnr"]) == pytest.approx(metrics["psnr"], rel=1e-4)
        assert float(table["identity"]["mse"]) == pytest.approx(metrics["identity_mse"])
    assert set(rows(tied.run, "test")) == {"autoencoder", "identity", "mean", "pca"}
    assert set(rows(variational.run, "test")) == {"autoencoder", "identity", "mean"}


def test_loss_and_metrics_of_masks_are_those_of_the_hidden_pixels(variational):
    recipe, split = variational.loaded.recipe, read_split(variational, "test")
    differences, hidden, cross_entropies = [], [], []
    for batch in Examiner(variational.built, recipe, split).batches():
        reconstruction = np.clip(batch.outputs["reconstruction"], 1e-7, 1 - 1e-7)
        differences.append((reconstruction - batch.expected)[..., 0] ** 2)
        y = batch.expected[..., 0]
        cross_entropies.append(-y * np.log(reconstruction[..., 0]) - (1 - y) * np.log(1 - reconstruction[..., 0]))
        hidden.append(batch.weights > 0)
        assert np.all(batch.seen[..., 0][hidden[-1]] == 0)
        np.testing.assert_allclose(batch.weights.mean(axis=(1, 2)), 1, rtol=1e-5)
    differences, hidden = np.concatenate(differences), np.concatenate(hidden)
    metrics = evaluate(variational, "test")
    assert hidden.mean() == 0.75
    assert metrics["mse"] == pytest.approx(differences[hidden].mean(), rel=1e-4)
    assert metrics["output_loss"] == pytest.approx(np.concatenate(cross_entropies)[hidden].mean(), rel=1e-4)
    assert metrics["loss"] == pytest.approx(64 * metrics["output_loss"] + 0.5 * metrics["kl_loss"], rel=1e-5)


def test_figures_show_reconstructions_codes_manifold_and_samples(runs):
    shown = {
        name: {path.stem for path in (run.path / "figures").glob("*_validation.png")} for name, run in runs.items()
    }
    assert shown["tied"] == {"reconstructions_validation", "latent_validation"}
    assert shown["variational"] == shown["tied"] | {"manifold_validation", "samples_validation"}
    files = [path for run in runs.values() for path in (run.path / "figures").glob("*_validation.png")]
    assert all(path.stat().st_size > 5_000 for path in files)


# tied weights


def test_weights_are_tied_in_the_run_the_checkpoint_and_the_reopened_model(runs, tied):
    loaded = keras.models.load_model(runs["tied"].path / "last.keras")
    assert is_tied(tied.built.network)
    assert is_tied(loaded)
    kernel = np.asarray(tied.built.network.get_layer("encoder").layers[-1].kernel)
    np.testing.assert_array_equal(np.asarray(loaded.get_layer("decoder").layers[-1].tied_to.kernel), kernel)
    fresh = build_model(tied.loaded.recipe, tied.built.description).network
    assert np.abs(np.asarray(fresh.get_layer("encoder").layers[-1].kernel) - kernel).max() > 1e-3


# resuming


@pytest.mark.parametrize(("values", "stop_after"), [(NOISY_TIED, 18), (MASKED_VARIATIONAL, 31)])
def test_noise_masks_and_draws_go_on_bit_identically(values, stop_after, tmp_path, silent, runs, monkeypatch):
    monkeypatch.setattr("dlkit.training.steps.SECONDS_PER_CALL", 0.0)
    plain = Training._one_epoch

    def stopping(self, epoch, stream, stop):
        def progress(epoch, done, steps, logs):
            stop.requested = epoch * steps + done >= stop_after

        monkeypatch.setattr(self.reporter, "progress", progress)
        return plain(self, epoch, stream, stop)

    loaded = recipe(tmp_path, **values)
    with monkeypatch.context() as patch:
        patch.setattr(Training, "_one_epoch", stopping)
        with pytest.raises(Interrupted, match=f"stopped after {stop_after} updates"):
            train_recipe(loaded, tmp_path, silent())
    resumed = resume_run(loaded, find_run(values["name"], tmp_path, finished=False), silent()).run
    whole = runs[values["name"]]
    assert history(resumed) == history(whole)
    for name in ("last.keras", "best.keras"):
        first, second = (keras.models.load_model(run.path / name) for run in (resumed, whole))
        variables = ([*one.weights, *one.optimizer.variables] for one in (first, second))
        for one, other in zip(*variables, strict=True):
            np.testing.assert_array_equal(one, other)


# parts


@pytest.mark.parametrize("name", ["tied", "variational"])
def test_encoder_and_decoder_are_exported_alone_and_together_are_the_whole(
    name, tied, variational, tmp_path, reload_here
):
    trained = {"tied": tied, "variational": variational}[name]
    paths = {}
    for part in ("encoder", "decoder"):
        paths[part], certificate = export(trained, "saved_model", tmp_path, part)
        assert (certificate["passed"], certificate["part"]) == (True, part)
        assert paths[part].parent.name == f"{name}_{part}"
        assert verify(paths[part], trained)["passed"]
    raw = Digits().load("test", None).inputs[:9]
    encoder, decoder = (tf.saved_model.load(str(paths[part])) for part in ("encoder", "decoder"))
    code = encoder.signatures["serving_default"](inputs=tf.constant(raw))["code"]
    found = decoder.signatures["serving_default"](inputs=code)["reconstruction"]
    np.testing.assert_allclose(found, trained.built.predict_raw(raw)["reconstruction"], atol=1e-6)
    png = [tf.io.encode_png(image).numpy() for image in raw]
    again = encoder.signatures["serve_encoded"](encoded=tf.constant(png))["code"]
    np.testing.assert_allclose(again, code, atol=1e-5)


def test_the_whole_tied_autoencoder_is_exported(tied, tmp_path, reload_here):
    _, certificate = export(tied, "saved_model", tmp_path)
    assert certificate["passed"]
    assert certificate["label_agreement"] is None  # there are no labels to agree
    assert "labels" not in worst(certificate)


def test_a_classifier_has_no_parts(trained_run):
    with pytest.raises(InputError, match="this model has no part 'encoder'"):
        part_of(open_run(trained_run).built, "encoder")


def test_a_network_without_an_encoder_is_measured_without_a_code(tmp_path, silent):
    layers = "{Dense: {units: 16, activation: relu}}, {Dense: {units: 64, activation: sigmoid}}"
    path = tmp_path / "plain.yaml"
    content = HEAD.format(**DEFAULTS | {"model": f"    layers: [{layers}]"})
    path.write_text(content.replace("autoencoder:", "sequential:"))
    loaded = load_recipe(path)
    run = train_recipe(loaded, tmp_path / "runs", silent()).run
    assert {path.name for path in (run.path / "figures").iterdir()} >= {"reconstructions_validation.png"}
    assert not (run.path / "figures" / "latent_validation.png").exists()
    with next(run.path.glob("*_validation.csv")).open() as stream:
        rows = {row["method"]: float(row["mse"]) for row in csv.DictReader(stream)}
    assert set(rows) == {"autoencoder", "mean"}
    assert 0 < rows["autoencoder"] < rows["mean"]


# codes


def test_encode_writes_the_codes_of_rows_and_of_a_split(runs, variational, tmp_path):
    split = read_split(variational, "validation")
    np.savez(tmp_path / "rows.npz", x=split.inputs[:5])
    for arguments in ([str(tmp_path / "rows.npz")], ["--split", "validation"]):
        output = tmp_path / "codes.npz"
        command = ["encode", str(runs["variational"].path), *arguments, "--output", str(output), "--json"]
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
        arrays = json.loads(done.stdout)["arrays"]
        with np.load(output) as written:
            assert {name: list(written[name].shape) for name in written.files} == arrays
            codes, others = written["codes"], written[next(name for name in written.files if name != "codes")]
        x = variational.built.preprocess(split.inputs[: len(codes)])
        mean = np.asarray(variational.built.network.get_layer("encoder")(x)[0])
        np.testing.assert_allclose(codes, mean, atol=1e-5)
        assert others[0] == (f"{tmp_path / 'rows.npz'}[0]" if len(codes) == 5 else split.targets[0])
    np.testing.assert_array_equal(encode_split(variational, "validation")["codes"], codes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "encode needs either INPUTS or --split"),
        (["--split", "test"], "unknown --split 'test'"),
        (["--split", "train", "--output", "codes.txt"], "is not a .npz file"),
    ],
)
def test_encode_says_what_it_needs(runs, arguments, message):
    done = CliRunner().invoke(app, ["encode", str(runs["tied"].path), *arguments])
    assert isinstance(done.exception, DlkitError)
    assert message in str(done.exception)


# mistakes


def test_hidden_patches_need_pictures(tmp_path, reporter):
    values = NOISY_TIED | {"name": "flat", "corrupt": "{random_patches: {patch_size: 2}}"}
    with pytest.raises(InputError, match=r"hides pixels of shape \[8, 8\], but the targets have the shape \[64\]"):
        train_recipe(recipe(tmp_path, **values), tmp_path, reporter)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"model": TIED.replace("TiedDense: {", "Dense: {units: 60, ")},
            r"the network returns \[60\] for inputs of shape \[64\]",
        ),
        ({"model": TIED, "task": "{autoencoding: {loss: {BinaryCrossentropy: {from_logits: true}}}}"}, "not logits"),
        ({"model": TIED, "task": "{autoencoding: {loss_weights: {kl: 1}}}"}, "there is no output 'kl'"),
    ],
)
def test_mistakes_are_found_before_a_run_begins(values, message, tmp_path, reporter):
    with pytest.raises(DlkitError, match=message):
        train_recipe(recipe(tmp_path, **values), tmp_path / "runs", reporter)
    assert not (tmp_path / "runs").exists()
