"""TensorFlow starts whatever backend the user's other programs have, and says so where it cannot."""

import os
import subprocess
import sys

import keras
import pytest

from dlkit.errors import InputError
from dlkit.machine.tensorflow import start_tensorflow


def test_a_backend_in_the_environment_is_for_other_programs():
    command = [sys.executable, "-m", "dlkit", "summary", "digits_mlp"]
    environment = os.environ | {"KERAS_BACKEND": "torch"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "total 4,810" in done.stdout


def test_keras_on_another_backend_in_this_process_is_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(InputError, match="Keras uses the backend jax, but dlkit needs tensorflow") as caught:
        start_tensorflow()
    assert caught.value.problems[0].hint == "set KERAS_BACKEND=tensorflow before Keras is imported"
