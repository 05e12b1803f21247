"""Every type of array goes through preprocessing, network and exported graph with its values."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.components.exporters.saved_model import SavedModel
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec, Description
from dlkit.model.build import build_model
from dlkit.model.preprocessing import build_preprocess
from dlkit.recipe import load_recipe

RECIPE = """
recipe: 1
name: input_types
task: classification
data:
  source: {{declared: {{shape: [8, 8, 1], classes: 2}}}}
  resize: {resize}
  preprocess: {preprocess}
model:
  sequential:
    layers: [{{Conv2D: {{filters: 2, kernel_size: 3}}}}, Flatten, {{Dense: {{units: 2, activation: softmax}}}}]
training: {{epochs: 1, optimizer: {{Adam: {{learning_rate: 0.001}}}}}}
"""
VALUES = np.random.default_rng(0).integers(0, 128, (3, 8, 8, 1))


def built(tmp_path, dtype, resize="null", preprocess="[]"):
    path = tmp_path / "input_types.yaml"
    path.write_text(RECIPE.format(resize=resize, preprocess=preprocess))
    names = ("no", "yes")
    return build_model(
        load_recipe(str(path)).recipe, Description(ArraySpec((8, 8, 1), dtype), ArraySpec((), "int64"), names)
    )


@pytest.mark.parametrize(
    "dtype", ["int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "float64"]
)
def test_a_number_is_the_same_in_every_type(tmp_path, dtype):
    for preprocess in ("[]", "[{Rescaling: {scale: 1/255}}]"):
        expected = built(tmp_path, "float32", preprocess=preprocess).predict_raw(VALUES.astype("float32"))
        found = built(tmp_path, dtype, preprocess=preprocess).predict_raw(tf.constant(VALUES.astype(dtype)))
        np.testing.assert_allclose(found["probabilities"], expected["probabilities"], atol=1e-6)


def test_booleans_are_zeros_and_ones(tmp_path):
    expected = built(tmp_path, "float32").predict_raw((VALUES > 60).astype("float32"))
    found = built(tmp_path, "bool").predict_raw(tf.constant(VALUES > 60))
    np.testing.assert_allclose(found["probabilities"], expected["probabilities"], atol=1e-6)


@pytest.mark.parametrize("dtype", ["uint16", "float32", "int16"])
def test_an_exported_graph_resizes_other_types_as_the_run_does(tmp_path, dtype):
    model = built(tmp_path, dtype, resize="{height: 8, width: 8}", preprocess="[{Rescaling: {scale: 1/4096}}]")
    scans = (VALUES * 32).repeat(2, axis=1).repeat(2, axis=2).astype(dtype)
    plain = built(tmp_path, dtype, preprocess="[{Rescaling: {scale: 1/4096}}]").predict_raw(
        tf.constant(scans[:, ::2, ::2])
    )
    np.testing.assert_allclose(
        model.predict_raw(tf.constant(scans))["probabilities"], plain["probabilities"], atol=1e-6
    )
    SavedModel().write(model, tmp_path / "saved", VALUES)
    served = tf.saved_model.load(str(tmp_path / "saved")).signatures["serving_default"](inputs=tf.constant(scans))
    np.testing.assert_allclose(served["probabilities"], plain["probabilities"], atol=1e-6)


def test_a_layer_that_computes_with_texts_is_refused():
    with pytest.raises(InputError, match="Rescaling takes numbers, but its inputs are texts"):
        build_preprocess(ArraySpec((), "string"), [keras.layers.Rescaling(1 / 255)])
    words = [keras.layers.TextVectorization(max_tokens=9), keras.layers.Rescaling(0.5)]
    assert build_preprocess(ArraySpec((), "string"), words).output.dtype == "float32"
