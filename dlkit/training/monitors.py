"""Find the metrics that a training can monitor, and whether higher or lower is better."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dlkit.catalog.create import Component
from dlkit.catalog.find import load, source
from dlkit.errors import InputError, closest
from dlkit.recipe.schema import Recipe, ResolvedPhase

if TYPE_CHECKING:
    import keras

    from dlkit.interfaces.task import Task


def directions(task: "Task", network: "keras.Model") -> dict[str, str | None]:
    """Return for every loss and metric "up" if higher is better, "down" if lower is, None if the metric does not say.

    Keras' callbacks use the same attribute of the metric.
    """
    losses = [f"{name}_loss" for name in network.output] if isinstance(network.output, Mapping) else []
    metrics = {metric.name: getattr(metric, "_direction", None) for metric in task.metrics_for(network)}
    return {"loss": "down", **dict.fromkeys(losses, "down"), **metrics}


def smaller_is_better(monitor: str, found: Mapping[str, str | None], mode: str | None = None) -> bool:
    """Return whether a lower value of a metric is better, according to `mode` (min or max) or else the metric itself.

    Raises InputError when neither says so, because a wrong guess would keep the worst epoch as the best.
    """
    if mode is not None:
        return mode == "min"
    direction = found.get(monitor.removeprefix("val_"))
    if direction is None:
        raise InputError(
            f"cannot tell whether higher or lower {monitor!r} is better",
            "set training.monitor_mode: min or max",
            key="training.monitor",
        )
    return direction == "down"


def check_monitors(recipe: Recipe, phase: ResolvedPhase, task: "Task", network: "keras.Model") -> None:
    """Raise InputError, with its key, for a callback or a `monitor` that watches a metric that is never measured."""
    _check_schedule(phase)
    if any(_is_foreign(callback) for callback in phase.callbacks):
        return  # a user's own callback may add metrics that others watch
    found = directions(task, network)
    validated = [f"val_{name}" for name in found]
    if recipe.training.monitor is not None:
        _check_name(recipe.training.monitor, [*found, *validated], "training.monitor")
        smaller_is_better(recipe.training.monitor, found, recipe.training.monitor_mode)
    for number, callback in enumerate(phase.callbacks):
        monitor = _monitored(callback)
        if monitor is None:
            continue
        key = f"training.callbacks.{number}.{callback.name}"
        _check_name(monitor, [*found, *validated], f"{key}.monitor")
        if monitor in validated and recipe.data.validation == "none":
            raise InputError(
                f"{callback.name} watches {monitor!r}, but there is no validation split",
                f"give data.validation, or watch {monitor.removeprefix('val_')!r}",
                key=f"{key}.monitor",
            )
        if _setting(callback, "mode") == "auto" and found.get(monitor.removeprefix("val_")) is None:
            raise InputError(
                f"{callback.name} cannot tell whether higher or lower {monitor!r} is better",
                "set mode: max or mode: min",
                key=key,
            )


def _check_schedule(phase: ResolvedPhase) -> None:
    """Raise InputError for a callback that sets the learning rate where a schedule gives it."""
    schedule = phase.optimizer.settings.get("learning_rate")
    if isinstance(schedule, Component):
        fixed, hint = schedule.name, "give the optimizer a number as its learning rate"
    elif phase.learning_rates:
        fixed, hint = "training.learning_rates", "remove the rates of groups"
    else:
        return
    for callback in phase.callbacks:
        if callback.name == "ReduceLROnPlateau":
            raise InputError(
                f"{callback.name} cannot change the learning rate, because {fixed} sets it",
                f"remove the callback, or {hint}",
                location=callback.location,
            )


def _check_name(monitor: str, allowed: list[str], key: str) -> None:
    if monitor not in allowed:
        raise InputError(f"there is no metric {monitor!r}", closest(monitor, allowed), key=key)


def _monitored(callback: Component) -> str | None:
    """Return the metric that a callback watches; None for a ModelCheckpoint that saves every epoch."""
    if _setting(callback, "save_best_only") is False:
        return None
    monitor: str | None = _setting(callback, "monitor")
    return monitor


def _setting(callback: Component, name: str) -> Any:
    """Return a setting of a callback from the recipe or its signature, None where it has no such setting."""
    parameters = source(callback.namespace, callback.name).parameters
    return callback.settings.get(name, parameters[name].default) if name in parameters else None


def _is_foreign(callback: Component) -> bool:
    return load(callback.namespace, callback.name).__module__.partition(".")[0] not in ("keras", "dlkit")
