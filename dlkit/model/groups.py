"""Select groups of layers by name, to train only some of them or to give them their own learning rates.

A group is a layer's name, a nested model's name, or the part of a name before an underscore: `block5` stands for
`block5_conv1`, `block5_conv2` and so on.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras

from dlkit.errors import InputError, closest

_GROUP = "_dlkit_group"


def leaf_layers(network: Any) -> list[Any]:
    """Return all layers of a network, with nested models replaced by their layers."""
    found: list[Any] = []
    for layer in network.layers:
        found += leaf_layers(layer) if isinstance(layer, keras.Model) else [layer]
    return found


def group_names(network: Any) -> list[str]:
    """Return the groups with weights: layers, nested models, and the parts of names before underscores."""
    names: dict[str, None] = {}
    for layer in network.layers:
        if layer.weights:
            parts = layer.name.split("_")
            names |= dict.fromkeys("_".join(parts[:count]) for count in range(1, len(parts) + 1))
        if isinstance(layer, keras.Model):
            names |= dict.fromkeys(group_names(layer))
    return list(names)


def layers_of(network: Any, group: str) -> list[Any]:
    """Return the layers of a group; raise InputError with the closest names when it has none."""
    found: list[Any] = []
    for layer in network.layers:
        named = layer.name == group or layer.name.startswith(f"{group}_")
        if isinstance(layer, keras.Model):
            found += leaf_layers(layer) if named else _found(layer, group)
        elif named and layer.weights:
            found.append(layer)
    if not found:
        raise InputError(
            f"there is no layer with weights named {group!r}", closest(group, group_names(network), "dlkit summary")
        )
    return found


def _found(network: Any, group: str) -> list[Any]:
    try:
        return layers_of(network, group)
    except InputError:
        return []


def set_trainable(network: Any, groups: str | list[str]) -> None:
    """Make only the layers of the groups trainable; `all` restores every layer's own setting."""
    leaves = leaf_layers(network)
    for layer in leaves:
        layer.__dict__.setdefault("_own_trainable", layer.trainable)
    try:
        chosen = leaves if groups == "all" else [layer for group in groups for layer in layers_of(network, group)]
    except InputError as error:
        raise _keyed(error, "training.trainable") from error
    kept = {id(layer) for layer in chosen}
    for layer in leaves:
        layer.trainable = layer.__dict__["_own_trainable"] and id(layer) in kept
    if groups != "all" and not network.trainable_weights:
        raise InputError("no weights are left to train", "name a group with weights", key="training.trainable")


def grouped_optimizer(network: Any, create: Callable[..., Any], rates: Mapping[str, float]) -> Any:
    """Return one optimizer from `create(**settings)`, or one per group's learning rate and one for all other layers."""
    if not rates:
        return create()
    optimizer_map, taken = keras.optimizers.OptimizerMap(create()), set[str]()
    for group, rate in rates.items():
        paths = _trained_paths(network, group)
        if shared := paths & taken:
            raise InputError(
                f"{group!r} shares {min(shared)} with another group",
                "give every layer a single learning rate",
                key=f"training.learning_rates.{group}",
            )
        taken |= paths
        optimizer = create(learning_rate=rate)
        optimizer.__dict__[_GROUP] = group
        optimizer_map["|".join(re.escape(path) for path in sorted(paths))] = optimizer
    return keras.optimizers.MultiOptimizer(optimizer_map)


def _trained_paths(network: Any, group: str) -> set[str]:
    """Return the paths of a group's trained weights; raise InputError when there are none."""
    key = f"training.learning_rates.{group}"
    try:
        paths = {weight.path for layer in layers_of(network, group) for weight in layer.trainable_weights}
    except InputError as error:
        raise _keyed(error, key) from error
    if not paths:
        raise InputError(f"{group!r} has no trained weights here", "train it, or remove its learning rate", key=key)
    return paths


def learning_rates(optimizer: Any) -> dict[str, float]:
    """Return the learning rates as the history shows them: `learning_rate`, and one per group."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):  # around the recipe's under mixed_float16
        optimizer = optimizer.inner_optimizer
    if not hasattr(optimizer, "optimizers"):
        return {"learning_rate": float(optimizer.learning_rate)}
    rates: dict[str, float] = {}
    for single in optimizer.optimizers:
        group = single.__dict__.get(_GROUP, "")
        rates["_".join(filter(None, ("learning_rate", group)))] = float(single.learning_rate)
    return rates


def averages_weights(optimizer: Any) -> bool:
    """Return whether an optimizer, or that of any group, keeps a moving average of the weights (`use_ema`)."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return any(single.use_ema for single in getattr(inner, "optimizers", [inner]))


def check_names(key: str, given: Iterable[str], known: list[str]) -> None:
    """Raise InputError for the first name that is not a known output."""
    for name in given:
        if name not in known:
            raise InputError(f"{key}: there is no output {name!r}", closest(name, known))


def _keyed(error: InputError, key: str) -> InputError:
    return InputError(error.problems[0].message, error.problems[0].hint, key=key)
