"""Explain why a loss or a weight became NaN or infinite: find the step by replay and save its batch."""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.errors import CheckError
from dlkit.files.atomic import write_file
from dlkit.interfaces.reporter import Reporter
from dlkit.model.build import build_model
from dlkit.runs.directory import RunDirectory
from dlkit.training.loop import Training

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe

LARGE = 1e4


@dataclass(frozen=True)
class Fault:
    """The first step after which the loss or the weights are non-finite, with the state of its batch and weights.

    loss: of the step's batch, finite when only the weights are not. largest_weight: before the step.
    """

    step: int
    inputs_finite: bool
    targets_finite: bool
    largest_weight: float
    loss: float


def explain_fault(loaded: "LoadedRecipe", training: Training, run: RunDirectory, last_step: int) -> CheckError:
    """Replay from the newest snapshot to the first bad step; return an error that names step, batch and cause."""
    fresh = build_model(loaded.recipe, training.built.description)
    built = replace(fresh, preprocess=training.built.preprocess)
    replayed = Training(loaded.recipe, replace(training.prepared, built=built), Reporter())
    with TemporaryDirectory() as scratch:  # what callbacks write in a replay is not the run's
        replayed.folder = Path(scratch)
        fault = _replay(replayed, run, last_step)
    if fault is None:
        return CheckError(
            f"a loss or weight was NaN or infinite before step {last_step}, but not in a replay: this machine computes "
            "unreliably",
            "check its memory, or train with another number of threads",
        )
    epoch, batch = divmod(fault.step, replayed.steps.per_epoch)
    path = _keep_batch(replayed, run, fault.step)
    what = "the weights became NaN or infinite" if np.isfinite(fault.loss) else f"the loss became {fault.loss}"
    message = f"{what} in step {fault.step} (epoch {epoch} as in history.csv, batch {batch + 1}): {_cause(fault)}"
    return CheckError(message, f"its batch is in {path}; {_advice(fault)}")


def _replay(training: Training, run: RunDirectory, last_step: int) -> Fault | None:
    training.start(run)
    state, steps = training.progress, training.steps
    stream = steps.stream(state.step, last_step)
    for step in range(state.step, last_step):
        largest = max((float(np.abs(keras.ops.convert_to_numpy(w)).max()) for w in steps.network.weights), default=0.0)
        loss = steps.take(stream, fresh=True)["loss"]
        if not (np.isfinite(loss) and training.state.finite_weights()):
            inputs, targets, *_ = next(iter(training.steps.batches(step, step + 1)))
            return Fault(step, _finite(inputs), _finite(targets), largest, loss)
    return None


def _finite(tensor: Any) -> bool:
    return not tensor.dtype.is_floating or bool(tf.reduce_all(tf.math.is_finite(tensor)))


def _keep_batch(training: Training, run: RunDirectory, step: int) -> str:
    inputs, targets, *_ = next(iter(training.steps.batches(step, step + 1)))
    stream = io.BytesIO()
    np.savez(stream, inputs=np.asarray(inputs), targets=np.asarray(targets))
    path = run.path / "faults" / f"step_{step}.npz"
    write_file(path, lambda aside: aside.write_bytes(stream.getvalue()))
    return str(path)


def _cause(fault: Fault) -> str:
    if not fault.inputs_finite:
        return "its inputs contain NaN or infinity"
    if not fault.targets_finite:
        return "its targets contain NaN or infinity"
    if not np.isfinite(fault.largest_weight) or fault.largest_weight > LARGE:
        return f"the weights have grown to {fault.largest_weight:.3g}; the learning rate is too high"
    return "inputs, targets and weights are finite, so the loss or a layer overflows on this batch"


def _advice(fault: Fault) -> str:
    if not (fault.inputs_finite and fault.targets_finite):
        return "clean the data, or check data.preprocess"
    return "try a learning rate ten times smaller, clipnorm: 1 in the optimizer, or precision: float32"
