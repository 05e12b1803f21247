"""Killed at random moments, at any stage, again and again: what comes out is bit for bit what an undisturbed run gives.

A parent that has TensorFlow imported, but has not used it yet, forks a child for every attempt. The child works on a
command until it is done, or until it is killed (SIGKILL, or SIGTERM now and then) after a random time.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = int(os.environ.get("DLKIT_CRASH_KILLS", "5"))
HARNESS = Path(__file__).parent / "crash" / "harness.py"
COMMON = """
recipe: 1
name: {name}
task: classification
data:
  source: digits
  limit: 600
  validation: {{fraction: 0.2}}
  augment: {augment}
  preprocess: [{{Normalization: {{axis: null}}}}{flatten}]
model:
  sequential:
    layers: {layers}
training:
  batch_size: 16
  epochs: 12
  seed: 5
  snapshot: {{steps: 7}}
  optimizer: {optimizer}
  callbacks: {callbacks}
"""
RECIPES = {
    "mlp": {
        "augment": "[]",
        "flatten": ", Flatten",
        "layers": "[Dense: {units: 32, activation: relu}, Dropout: {rate: 0.4}, "
        "Dense: {units: 10, activation: softmax}]",
        "optimizer": "{Adam: {learning_rate: {ExponentialDecay: "
        "{initial_learning_rate: 0.01, decay_steps: 40, decay_rate: 0.7}}}}",
        "callbacks": "[EarlyStopping: {monitor: val_loss, patience: 2, restore_best_weights: true}]",
    },
    "cnn": {
        "augment": "[random_affine: {shift: 0.2, rotation: 0.05, zoom: 0.1}]",
        "flatten": "",
        "layers": "[Conv2D: {filters: 8, kernel_size: 3, activation: relu}, BatchNormalization, Flatten, "
        "Dropout: {rate: 0.3}, Dense: {units: 10, activation: softmax}]",
        "optimizer": "{SGD: {learning_rate: 0.05, momentum: 0.9}}",
        "callbacks": "[ReduceLROnPlateau: {monitor: val_loss, patience: 1, factor: 0.5}]",
    },
    "averaged": {
        "augment": "[random_affine: {horizontal_flip: true}]",
        "flatten": ", Flatten",
        "layers": "[GaussianNoise: {stddev: 0.1}, Dense: {units: 16, activation: tanh}, "
        "Dense: {units: 10, activation: softmax}]",
        "optimizer": "{RMSprop: {learning_rate: 0.003, use_ema: true, ema_momentum: 0.9}}",
        "callbacks": "[EarlyStopping: {monitor: val_accuracy, patience: 4}]",
    },
}


@pytest.mark.parametrize("name", RECIPES)
def test_killed_runs_end_as_undisturbed_ones(name, tmp_path):
    recipe = tmp_path / f"{name}.yaml"
    recipe.write_text(COMMON.format(name=name, **RECIPES[name]))
    command = [sys.executable, str(HARNESS), str(recipe), str(tmp_path / "runs"), str(KILLS), "11"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900 + 40 * KILLS)
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["kills"] >= KILLS
    assert result["differences"] == []
    assert result["left_over"] == []
    assert result["certificate"] is True
