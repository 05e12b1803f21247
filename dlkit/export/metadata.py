"""Describe an artefact for the programs that call it: model.json beside the model."""

from dataclasses import asdict
from typing import Any

from dlkit.interfaces.exporter import Interface, takes_images
from dlkit.model.built import BuiltModel
from dlkit.model.trained import TrainedModel

METADATA = "model.json"


def metadata_of(trained: TrainedModel, format_name: str, part: str | None, interface: Interface) -> dict[str, Any]:
    """Return the content of model.json (docs/formats.md): inputs and outputs, classes, and what the caller must do."""
    built = trained.built
    table = built.description.table
    return {
        "format": format_name,
        "model": interface.file,
        "recipe": trained.loaded.recipe.name,
        "part": part,
        "task": trained.loaded.recipe.task.name,
        "inputs": [asdict(port) for port in interface.inputs],
        "outputs": [asdict(port) for port in interface.outputs if port.name not in ("label", "text")],
        "scores": built.scores,
        "spells": built.spells,
        "sampling_rate": built.sampling_rate,
        "class_names": list(built.class_names),
        "columns": list(table.names) if table is not None else None,
        "starts_at": interface.starts_at,
        "resize": _resize(built),
        "encoded": {"channels": built.raw_spec.shape[-1]} if takes_images(built.raw_spec) else None,
        "caller": [*interface.caller, *_label(built, interface)],
    }


def vocabularies(built: BuiltModel, interface: Interface) -> dict[str, list[str]]:
    """Return the words of preprocessing that stays with the caller, by file name; a word's index is its place."""
    if interface.starts_at != "preprocessed":
        return {}
    lookups = [layer for layer in built.preprocess.layers if hasattr(layer, "get_vocabulary")]
    return {f"{layer.name}.json": [str(word) for word in layer.get_vocabulary()] for layer in lookups}


def _resize(built: BuiltModel) -> dict[str, Any] | None:
    resize = built.resize
    if resize is None:
        return None
    height, width = resize.size
    settings = {name: getattr(resize, name) for name in ("interpolation", "crop_to_aspect_ratio", "antialias")}
    return {"height": height, "width": width, **settings}


def _label(built: BuiltModel, interface: Interface) -> list[str]:
    """Return the step from scores to a label, or from letters to a text, unless the artefact gives them itself."""
    given = {port.name for port in interface.outputs}
    steps = [f"label: class_names[argmax of {built.scores}]"] if built.scores and "label" not in given else []
    if built.spells and "text" not in given:
        steps.append(f"text: class_names of the {built.spells} in order, without -1")
    return steps
