"""The page at /: what it needs to know of the models, the first feature maps, and the file itself."""

import base64
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from dlkit.serving.answers import dumped
from dlkit.serving.http import Answer, Bodies, Call
from dlkit.serving.instances import read_rows
from dlkit.serving.json_values import parse
from dlkit.serving.model import Version, check_inputs
from dlkit.serving.models import Models
from dlkit.serving.signature import DEFAULT, Signature
from dlkit.serving.status import Code, Refused, invalid

FEATURES = re.compile(r"/page/features/(?P<name>[^/]+)")
PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}
MOST_MAPS = 16
DRAWN = 64  # pixels: smaller grey images are drawn
ENCODED = "serve_encoded"


@cache
def page() -> str:
    """Return the page, one file without others."""
    return Path(__file__).with_name("page.html").read_text(encoding="utf-8")


class PageApi:
    """Answers requests of the page below /page/."""

    def __init__(self, models: Models, bodies: Bodies) -> None:
        self._models, self._bodies = models, bodies

    async def answer(self, call: Call) -> Answer:
        """Return the models that the page can try, or the feature maps of one example."""
        if call.verb == "GET" and call.path == "/page/models":
            newest = {name: model.newest for name, model in self._models.models.items()}
            return Answer(dumped({"models": [about(name, item) for name, item in newest.items() if item is not None]}))
        found = FEATURES.fullmatch(call.path)
        if call.verb != "POST" or found is None:
            raise Refused(Code.NOT_FOUND, f"there is no {call.verb} {call.path}")
        return await self._features(call, unquote(found["name"]))

    async def _features(self, call: Call, name: str) -> Answer:
        body = await self._bodies.read(call)
        version = self._models.find(name)
        instances = parse(body).get("instances")
        if not isinstance(instances, list) or len(instances) != 1:
            raise invalid("feature maps are those of one example: send 'instances' with one entry")
        inputs = read_rows(instances, version.signature(None), b"true" in body or b"false" in body)
        check_inputs(inputs, version.signature(None), self._models.limits)
        assert version.batcher is not None
        maps = await version.batcher.maps(inputs)
        return Answer(dumped({"maps": [] if maps is None else grey(maps)}))


def about(name: str, version: Version) -> dict[str, Any]:
    """Return what the page needs to know of a model."""
    assert version.opened is not None
    description, signatures = version.opened.description, version.opened.backend.signatures
    ((_, spec),) = signatures[DEFAULT].inputs.items()
    return {
        "name": name,
        "version": version.number,
        "platform": version.opened.backend.platform,
        "kind": kind(signatures[DEFAULT], description),
        "dtype": spec.dtype,
        "shape": list(spec.shape[1:]),
        "outputs": sorted(signatures[DEFAULT].outputs),
        "scores": description.scores_in(signatures[DEFAULT]),
        "classes": list(description.class_names),
        "columns": list(description.columns),
        "resize": description.resize,
        "sampling_rate": description.sampling_rate,
        "encoded": ENCODED in signatures,
    }


def kind(signature: Signature, description: Any) -> str:
    """Return how a person gives an example: drawn, as a picture, sound, text or table, or as numbers."""
    ((_, spec),) = signature.inputs.items()
    shape = spec.shape[1:]
    if description.columns:
        return "table"
    if spec.dtype == "string":
        return "text" if not shape else "values"
    if description.sampling_rate and len(shape) == 1:
        return "sound"
    if spec.dtype != "uint8" or len(shape) != 3 or shape[-1] not in (1, 3):
        return "values"
    return "draw" if shape[-1] == 1 and all(size and size <= DRAWN for size in shape[:2]) else "image"


def grey(maps: np.ndarray) -> list[dict[str, Any]]:
    """Return the first feature maps as grey values, each scaled to its own range; maps: (height, width, filters)."""
    chosen = maps[..., :MOST_MAPS].astype(np.float32)
    low, range_ = chosen.min((0, 1)), np.ptp(chosen, (0, 1))
    pixels = (255 * (chosen - low) / np.where(range_ > 0, range_, 1)).astype(np.uint8)
    height, width, count = pixels.shape
    values = [base64.b64encode(pixels[..., index].tobytes()).decode() for index in range(count)]
    return [{"height": height, "width": width, "pixels": value} for value in values]
