"""Run servers in a thread of the tests, with models in memory or from folders."""

import asyncio
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import uvloop

from dlkit.serving.app import App
from dlkit.serving.limits import Limits
from dlkit.serving.metrics import Metrics
from dlkit.serving.models import Models, Source
from dlkit.serving.server import bind, server_of


class InMemory:
    """Loads models from a mapping of backends instead of folders."""

    def __init__(self, artefacts):
        self.artefacts = artefacts

    async def __call__(self, folder):
        found = self.artefacts[folder.parent.name, int(folder.name)]
        if isinstance(found, Exception):
            raise found
        return found


@contextmanager
def running(models, token=None, poll=None):
    """Run a server in a thread; yield its address, its models and its loop."""
    bound = bind("127.0.0.1", 0)
    server = server_of(App(models, token), models.limits)
    started, loops, failures = threading.Event(), [], []

    async def main():
        loops.append(asyncio.get_running_loop())
        try:
            await models.load()
            bound.listen(256)
        except Exception as error:
            failures.append(error)
            return
        finally:
            started.set()
        watching = asyncio.create_task(models.watch(poll or 3600))
        await server.serve(sockets=[bound])
        watching.cancel()
        await models.close()

    thread = threading.Thread(target=lambda: uvloop.run(main()))
    thread.start()
    started.wait(60)
    if failures:
        thread.join()
        bound.close()
        raise failures[0]
    host, port = bound.getsockname()[:2]
    try:
        yield SimpleNamespace(
            url=f"http://{host}:{port}",
            address=(host, port),
            models=models,
            loop=loops[0],
            server=server,
            thread=thread,
        )
    finally:
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive()


@contextmanager
def in_memory(folder, artefacts, *, token=None, labels=None, keep=1, poll=None, shadow=None, **limits):
    """Serve artefacts, or the errors of loading them, by name and version; `folder` gets an empty folder for each."""
    told = []
    for name, version in artefacts:
        (folder / name / str(version)).mkdir(parents=True)
    names = dict.fromkeys(name for name, _ in artefacts)
    sources = [Source(name, folder / name, labels=(labels or {}).get(name, {})) for name in names]
    models = Models(sources, Limits(**limits), Metrics(), told.append, keep, shadow)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dlkit.serving.models.opened_elsewhere", InMemory(artefacts))
        with running(models, token, poll) as server:
            server.artefacts, server.told, server.folder = artefacts, told, folder
            yield server


@contextmanager
def from_folders(*folders, keep=1, poll=None, shadow=None, token=None, **limits):
    """Serve artefacts in folders, as dlkit serve does."""
    told = []
    sources = [Source(Path(folder).name, Path(folder)) for folder in folders]
    models = Models(sources, Limits(**limits), Metrics(), told.append, keep, shadow)
    with running(models, token, poll) as server:
        server.told = told
        yield server
