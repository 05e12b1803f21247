"""Convert a model to another format in a child process, because some converters crash or print a lot."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import Signals
from typing import Any

import tensorflow as tf

from dlkit.components.exporters._entry import Entry, function_of
from dlkit.interfaces.exporter import ConversionError, Servable

PROGRAMS = Path(__file__).with_name("_programs")
SECONDS = 900


@contextmanager
def saved_for_conversion(model: Servable, entry: Entry, batch: int | None) -> Iterator[Path]:
    """Yield a temporary SavedModel of the model from its entry on, from which a child process converts."""
    with tempfile.TemporaryDirectory() as scratch:
        holder = tf.Module(name="model")
        # A plain module with the tensors: converters that follow Keras objects have given NaN without saying so.
        holder.tensors = [variable.value for part in (model.preprocess, model.network) for variable in part.variables]
        holder.serve = function_of(entry, batch)
        folder = Path(scratch) / "saved"
        tf.saved_model.save(holder, str(folder), signatures={"serving_default": holder.serve})
        yield folder


def convert(script: Path, source: Path, target: Path, **settings: Any) -> None:
    """Run a converter: python -I SCRIPT SOURCE TARGET SETTINGS; raise ConversionError with the reason if it fails."""
    command = [sys.executable, "-I", str(script), str(source), str(target), json.dumps(settings)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ConversionError(f"the converter took more than {SECONDS} s", "export another format") from error
    if done.returncode != 0:
        raise ConversionError(f"the converter failed: {_reason(done)}", "export another format, or change the network")


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """Return how a converter ended: its signal, or the first error that it printed, else its last line."""
    if done.returncode < 0:
        return f"its process ended with {Signals(-done.returncode).name}"
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [found[0] for line in lines if (found := re.search(r"(\w*Error|\berror): .*", line))]
    return errors[0][:300] if errors else (lines or [f"exit code {done.returncode}"])[-1][:300]
