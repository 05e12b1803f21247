"""Run the server: bind, load the models, answer until a signal asks to stop, and then answer what has begun."""

import asyncio
import errno
import gc
import logging
import resource
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import uvicorn
import uvloop

from dlkit.errors import MissingError
from dlkit.machine.interruption import stop_requests
from dlkit.serving.app import App
from dlkit.serving.connection import Connection
from dlkit.serving.limits import Limits
from dlkit.serving.metrics import Metrics
from dlkit.serving.models import Models
from dlkit.serving.request import ServeRequest

SPARE_FILES = 128  # descriptors for models, logs and libraries
BACKLOG = 2048
SWITCH_SECONDS = 0.0005  # Python's 0.005 would let a model wait for its lock after every batch
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(request: ServeRequest, tell: Callable[[str], None], ready: Callable[[dict[str, Any]], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    tell: receives lines for people. ready: receives the address and the models once requests are answered. Raises the
    reason when a model cannot be served, and MissingError when the address cannot be had.
    """
    bound = bind(request.host, request.port)
    sys.setswitchinterval(SWITCH_SECONDS)
    with bound, stop_requests():  # so that uvicorn's stop does not end the process
        uvloop.run(_serve(request, bound, tell, ready))


async def _serve(
    request: ServeRequest,
    bound: socket.socket,
    tell: Callable[[str], None],
    ready: Callable[[dict[str, Any]], None],
) -> None:
    limits = replace(request.limits, connections=_connections(request.limits))
    models = Models(request.sources, limits, Metrics(), tell, request.keep, request.shadow)
    await models.load()
    gc.freeze()  # what is loaded stays: the collector need not look at it while requests make and drop objects
    server = server_of(App(models, request.token), limits)
    watching = asyncio.create_task(models.watch(request.poll))
    bound.listen(BACKLOG)
    ready(_about(bound, models))
    try:
        await server.serve(sockets=[bound])
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await models.close()


def server_of(app: App, limits: Limits) -> uvicorn.Server:
    """Return uvicorn's server for an application, with its own logs of errors only."""
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # clients can cause its warnings
    http: Any = partial(Connection, limits)
    config = uvicorn.Config(
        app,
        http=http,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=int(limits.idle),
        timeout_graceful_shutdown=int(limits.seconds) + 1,
    )
    return uvicorn.Server(config)


def check_reachable(request: ServeRequest) -> list[str]:
    """Return a warning when other machines can reach the server without a token."""
    if request.token is not None or request.host in LOOPBACK:
        return []
    return [f"warning: everyone who reaches {request.host} can use this server; --token-file asks for a token"]


def bind(host: str, port: int) -> socket.socket:
    """Return a socket at an address; raise MissingError when it is in use, not ours, or not allowed."""
    with ExitStack() as unless_bound:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            bound = unless_bound.enter_context(socket.socket(family, kind, protocol))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError as error:
            hint = "give another --port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else "give another --host"
            raise MissingError(f"cannot listen at {host}:{port}: {error.strerror}", hint) from error
        unless_bound.pop_all()
    return bound


def _connections(limits: Limits) -> int:
    """Raise the limit of open files as far as allowed; return how many connections it leaves room for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return min(limits.connections, max(soft - SPARE_FILES, 16)) if soft > 0 else limits.connections


def _about(bound: socket.socket, models: Models) -> dict[str, Any]:
    host, port = bound.getsockname()[:2]
    listed = [
        {"name": name, "version": version.number, "platform": version.opened.backend.platform}
        for name, model in models.models.items()
        for version in model.available
        if version.opened is not None
    ]
    return {"url": f"http://{f'[{host}]' if ':' in host else host}:{port}", "models": listed}
