"""Weights from untrusted files: checked for unsafe content, then for shapes, then read."""

import tempfile
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

from dlkit.errors import InputError, MissingError, keras_reason
from dlkit.safety.files import refuse
from dlkit.safety.keras_files import h5_file_contents, keras_contents

SUFFIXES = (".h5", ".hdf5", ".keras")
Layers = list[tuple[str, list[list[int]]]]


def load_weight_file(network: Any, path: Path) -> None:
    """Read a network's weights from a .h5, .weights.h5 or .keras file, taking nothing but arrays from it.

    Raises InputError that names the first mismatching layer if the weights belong to another network.
    """
    if not path.exists():
        raise MissingError(f"no such file: {path}", "give the path of a .h5, .weights.h5 or .keras file")
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path} is not a weight file", f"supported file types: {', '.join(SUFFIXES)}")
    contents = keras_contents(path) if path.suffix == ".keras" else h5_file_contents(path)
    refuse(path, contents.problems)
    misfit = (
        _first_other(_layers_of(network), _layers_in(path))
        if path.suffix != ".keras" and not path.name.endswith(".weights.h5")
        else _first_array(_saved_arrays(network), contents.arrays)
    )
    if misfit:
        raise _unfit(path, misfit)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a missing group, which is an error afterwards
            network.load_weights(path)
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise _unfit(path, keras_reason(error)) from error


def _unfit(path: Path, what: str) -> InputError:
    return InputError(
        f"{path} does not contain this network's weights: {what}",
        "they belong to another network or width: change backbone and its settings, or give the file of this network",
    )


def _layers_of(network: Any) -> Layers:
    """Return the layers with weights and their shapes, in the order of Keras' legacy .h5 files."""
    layers = [(layer.name, layer.trainable_weights + layer.non_trainable_weights) for layer in network.layers]
    return [(name, [list(weight.shape) for weight in weights]) for name, weights in layers if weights]


def _layers_in(path: Path) -> Layers:
    """Return the same for a legacy .h5 file, whose layers are groups, named in order by an attribute."""
    with import_module("h5py").File(path, "r") as file:
        root = file.get("model_weights", file)
        found = []
        for name in _names(root, "layer_names"):
            shapes = [list(root[name][weight].shape) for weight in _names(root[name], "weight_names")]
            found.append((name, shapes))
    return [(name, shapes) for name, shapes in found if shapes]


def _names(group: Any, attribute: str) -> list[str]:
    """Return the names in an attribute; long lists are split into attribute0, attribute1 and so on."""
    keys = [attribute] if attribute in group.attrs else []
    while f"{attribute}{len(keys)}" in group.attrs:
        keys.append(f"{attribute}{len(keys)}")
    return [name.decode() if isinstance(name, bytes) else str(name) for key in keys for name in group.attrs[key]]


def _first_other(wanted: Layers, given: Layers) -> str:
    """Describe the first difference between two lists of layers, which Keras matches by order only; "" if none."""
    for (name, shapes), (other, found) in zip(wanted, given, strict=False):
        if shapes != found:
            return f"layer {name!r} needs {_shown(shapes)}, but {other!r} in the file has {_shown(found)}"
    if len(wanted) > len(given):
        return f"layer {wanted[len(given)][0]!r} is not in the file, which has only {len(given)} layers with weights"
    if len(given) > len(wanted):
        return f"the file contains {given[len(wanted)][0]!r}, which this network does not have"
    return ""


def _saved_arrays(network: Any) -> dict[str, list[int]]:
    """Return the shapes that Keras would save for a network, by path in the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wanted.weights.h5"
        network.save_weights(path)
        return h5_file_contents(path).arrays


def _first_array(wanted: dict[str, list[int]], given: dict[str, list[int]]) -> str:
    for name, shape in wanted.items():
        if name not in given:
            return f"{name.strip('/')} is not in the file"
        if shape != given[name]:
            return f"{name.strip('/')} needs {_shown([shape])}, but the file has {_shown([given[name]])}"
    other = [name for name in given if name not in wanted and not name.startswith("/optimizer")]
    return f"the file contains {other[0].strip('/')}, which this network does not have" if other else ""


def _shown(shapes: list[list[int]]) -> str:
    return " and ".join("x".join(map(str, shape)) or "a scalar" for shape in shapes)
