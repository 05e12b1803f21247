"""What an artefact says about itself in model.json; older artefacts have class_names.json and columns.json only."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlkit.errors import CheckError
from dlkit.export.stored import read_certificate
from dlkit.serving.signature import Signature

METADATA = "model.json"
SCORES, LABEL, TEXT = "probabilities", "label", "text"


@dataclass(frozen=True)
class Description:
    """The recipe's name and task, and how people read the outputs.

    scores: the output whose largest entry is the class. spells: the output of class indices, -1 for none, whose classes
    in order are a text. columns: of a table, in the order of the inputs. channels: of the 8-bit images that the model
    takes, None if it takes something else. resize: what the caller does to images before, None if the artefact does it.
    sampling_rate: of the waveforms that the model takes, in Hz.
    """

    recipe: str
    format: str
    task: str | None = None
    scores: str | None = None
    spells: str | None = None
    class_names: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    channels: int | None = None
    resize: Mapping[str, Any] | None = None
    sampling_rate: int | None = None

    def scores_in(self, signature: Signature) -> str | None:
        """Return the output of a signature with one score per class, if there is one."""
        known = self.class_names and self.scores in signature.outputs
        return self.scores if known and len(signature.outputs[self.scores or ""].shape) == 2 else None


def read_description(folder: Path) -> Description:
    """Read what an artefact says about itself; raise CheckError when its files are damaged."""
    certificate = read_certificate(folder)
    try:
        if (folder / METADATA).is_file():
            return _described(json.loads((folder / METADATA).read_text(encoding="utf-8")))
        names, columns = (_listed(folder / f"{name}.json") for name in ("class_names", "columns"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckError(f"a file that describes {folder} is damaged: {error}", "export the run again") from error
    scores = SCORES if names else None
    return Description(certificate["recipe"], certificate["format"], scores=scores, class_names=names, columns=columns)


def _described(content: Mapping[str, Any]) -> Description:
    is_raw = content["starts_at"] == "raw"
    return Description(
        recipe=content["recipe"],
        format=content["format"],
        task=content["task"],
        scores=content["scores"],
        spells=content.get("spells"),
        class_names=tuple(content["class_names"]),
        columns=tuple(content["columns"] or ()) if is_raw else (),
        channels=(content["encoded"] or {}).get("channels"),
        resize=None if is_raw else content["resize"],
        sampling_rate=content.get("sampling_rate") if is_raw else None,
    )


def _listed(file: Path) -> tuple[str, ...]:
    return tuple(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else ()
