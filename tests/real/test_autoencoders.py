"""Autoencoders on MNIST, cut short for time; docs/results.md has the whole runs."""

import math

import numpy as np


def test_denoising_beats_the_noise_and_its_parts_are_exported(as_json, tmp_path):
    run = as_json(
        "train", "ae_denoising", settings=["training.epochs=1", "training.batch_size=64", "data.limit=10000"]
    )["run"]
    metrics = as_json("evaluate", run, "--split", "test")["metrics"]
    assert metrics["psnr"] > 10 * math.log10(1 / metrics["identity_mse"]) + 3
    for part in ("encoder", "decoder"):
        certificate = as_json("export", run, "--part", part, "--output", tmp_path / part)["certificate"]
        assert certificate["passed"]
        assert certificate["largest_absolute_difference"] < 1e-5


def test_a_linear_code_is_as_good_as_pca_and_encode_writes_it(as_json, tmp_path):
    settings = [
        "task={autoencoding: {loss: MeanSquaredError}}",
        "model={autoencoder: {encoder: [Flatten, {Dense: {units: 8}}],"
        " decoder: [{Dense: {units: 784}}, {Reshape: {target_shape: [28, 28, 1]}}]}}",
        "data.preprocess=[{Rescaling: {scale: 1/255}}]",
        "expect={}",
        "training.epochs=8",
        "training.batch_size=128",
    ]
    run = as_json("train", "ae_simple", settings=settings)["run"]
    metrics = as_json("evaluate", run, "--split", "test")["metrics"]
    assert 0.98 < metrics["mse"] / metrics["pca_mse"] < 1.02
    as_json("encode", run, "--split", "validation", "--output", tmp_path / "codes.npz")
    with np.load(tmp_path / "codes.npz") as codes:
        assert codes["codes"].shape == (5_000, 8)
