"""Time what dlkit itself does for one request: python benchmarks/request_cost.py ARTEFACT.

ARTEFACT is an export of images of one size. In one process, without sockets or HTTP: the application gets the body of a
request, and a model that answers at once. Prints the least and the median of sixty means of fifty requests.
"""

import asyncio
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import orjson
import uvloop

from dlkit.serving.app import App
from dlkit.serving.backends.backend import Backend
from dlkit.serving.limits import Limits
from dlkit.serving.metrics import Metrics
from dlkit.serving.models import Models, Source
from dlkit.serving.signature import DEFAULT


class Constant(Backend):
    """Answers a request with the outputs for zeros."""

    def __init__(self, backend: Backend) -> None:
        self.signatures = backend.signatures
        ((self.name, spec),) = self.signatures[DEFAULT].inputs.items()
        self.example = np.zeros((1, *spec.shape[1:]), spec.dtype)
        self._outputs = backend.run(DEFAULT, {self.name: self.example})

    def run(self, signature, inputs):
        return self._outputs


async def measure(folder: Path) -> None:
    """Print the microseconds of a request."""
    models = Models([Source("model", folder)], Limits(), Metrics(), print, 1, None)
    await models.load()
    version = models.find("model")
    constant = version.batcher._backend = Constant(version.opened.backend)
    app, path = App(models), "/v1/models/model:predict"
    values = np.random.default_rng(0).integers(0, 256, constant.example.shape)
    body = orjson.dumps({"instances": values.tolist()})
    headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "headers": headers}
    arriving, statuses = [], set()

    async def receive():
        return arriving.pop() if arriving else await asyncio.Future()  # the client stays

    async def send(message):
        statuses.add(message.get("status", 200))

    means = []
    for _ in range(60):
        began = time.perf_counter()
        for _ in range(50):
            arriving.append({"type": "http.request", "body": body})
            await app(scope, receive, send)
        means.append((time.perf_counter() - began) / 50 * 1e6)
    assert statuses == {200}
    print(f"{min(means):.0f} us a request at least, median {median(means):.0f} us")
    await version.unload()


if __name__ == "__main__":
    uvloop.run(measure(Path(sys.argv[1]).resolve()))
