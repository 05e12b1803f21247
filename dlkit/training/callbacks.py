"""Create a phase's Keras callbacks, whose output paths are inside the run directory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import keras

from dlkit.catalog.create import Component, create_at, locate
from dlkit.catalog.kinds import WRITES
from dlkit.errors import InputError
from dlkit.files.atomic import write_text
from dlkit.model.groups import averages_weights
from dlkit.recipe.schema import ResolvedPhase

Callbacks = list[keras.callbacks.Callback]


def created_callbacks(
    phase: ResolvedPhase, network: keras.Model, folder: Path | None, epochs_done: int = 0
) -> list[keras.callbacks.Callback]:
    """Create the phase's callbacks; add SwapEMAWeights for averaged weights, to validate the weights that are kept.

    folder: the base of the callbacks' paths; without it, callbacks that write are left out. epochs_done: a CSVLogger's
    file keeps the rows of that many epochs. Raises InputError for a SwapEMAWeights without averaged weights.
    """
    components = [_placed(component, folder, epochs_done) for component in phase.callbacks]
    callbacks = [create_at(component) for component in components if component is not None]
    swaps = [callback for callback in callbacks if isinstance(callback, keras.callbacks.SwapEMAWeights)]
    for swap in swaps:
        swap.swap_on_epoch = False  # the loop swaps for the end of every epoch
    if averages_weights(network.optimizer):
        return callbacks if swaps else [*callbacks, keras.callbacks.SwapEMAWeights()]
    if swaps:
        raise InputError(
            "SwapEMAWeights needs averaged weights, but the optimizer keeps none",
            "set use_ema: true in the optimizer",
            location=locate(swaps[0]),
        )
    return callbacks


@contextmanager
def averaged_weights(callbacks: Callbacks) -> Iterator[None]:
    """Swap in the averaged weights, so that callbacks save or restore the weights that were validated."""
    swaps = [callback for callback in callbacks if isinstance(callback, keras.callbacks.SwapEMAWeights)]
    for swap in swaps:
        swap.on_test_begin()
    try:
        yield
    finally:
        for swap in swaps:
            swap.on_test_end()


def restored_epoch(callbacks: Callbacks) -> int | None:
    """Return the epoch whose weights an EarlyStopping has restored, if one has."""
    stops = [callback for callback in callbacks if isinstance(callback, keras.callbacks.EarlyStopping)]
    restored = [stop.best_epoch for stop in stops if stop.restore_best_weights and stop.best_weights is not None]
    return int(restored[-1]) if restored else None


def close_logs(callbacks: Callbacks) -> None:
    """Close the files of CSVLoggers, which do it themselves only at the end of a training."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.CSVLogger) and callback.csv_file is not None:
            callback.csv_file.close()


def wants_batches(callback: keras.callbacks.Callback) -> bool:
    """Return whether a callback defines a method that runs at every step."""
    hooks = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
    return any(getattr(type(callback), hook) is not getattr(keras.callbacks.Callback, hook) for hook in hooks)


def _placed(component: Component, folder: Path | None, epochs_done: int) -> Component | None:
    """Return a callback with its path below the folder, or None if it writes and there is no folder.

    A CSVLogger continues the file of an earlier phase, or of the training before it was interrupted.
    """
    setting = WRITES.get(component.name)
    if setting is None:
        return component
    if folder is None:
        return None
    path = folder / str(component.settings.get(setting, "logs"))  # TensorBoard's own default
    path.parent.mkdir(parents=True, exist_ok=True)
    settings = component.settings | {setting: str(path)}
    if component.name == "CSVLogger" and path.is_file():
        _keep_rows(path, epochs_done, str(settings.get("separator", ",")))
        settings["append"] = True
    return replace(component, settings=settings)


def _keep_rows(path: Path, epochs: int, separator: str) -> None:
    """Remove the rows of later epochs from a CSVLogger's file, because those epochs will be trained again."""
    header, *rows = path.read_text(encoding="utf-8").splitlines() or [""]
    numbers = [row.partition(separator)[0] for row in rows]
    kept = [row for row, epoch in zip(rows, numbers, strict=True) if epoch.isdecimal() and int(epoch) < epochs]
    write_text(path, "".join(f"{row}\n" for row in [header, *kept] if row))
