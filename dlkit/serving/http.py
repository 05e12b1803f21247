"""Requests and answers as plain ASGI: bodies within bounds, tokens, and errors as JSON."""

import asyncio
import hmac
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from dlkit.serving.answers import error_body
from dlkit.serving.limits import Limits
from dlkit.serving.metrics import Metrics
from dlkit.serving.status import HTTP, Code, Refused

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
JSON = (b"content-type", b"application/json")
PATIENCE = 0.05  # seconds after which a request that waits listens whether its client is still there
log = logging.getLogger("dlkit.serving")


@dataclass(slots=True)
class Answer:
    """A body with its HTTP status and headers, and the labels under which the request is counted."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = (JSON,)


@dataclass(slots=True)
class Call:
    """A request on its way: what ASGI says of it, its body once read, and the labels under which it is counted."""

    scope: Scope
    receive: Receive
    model: str = ""
    method: str = ""
    began: float = field(default_factory=time.perf_counter)

    @property
    def verb(self) -> str:
        """Return GET, POST and so on."""
        verb: str = self.scope["method"]
        return verb

    @property
    def path(self) -> str:
        """Return the path as it was sent, percent signs included."""
        raw: bytes = self.scope["raw_path"]
        return raw.decode("latin-1")

    def header(self, name: bytes) -> bytes:
        """Return a header's value, empty without it; name: in lower case."""
        return next((value for key, value in self.scope["headers"] if key == name), b"")


class Bodies:
    """Read bodies, each within its bound, and all that are in memory together within theirs."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self._held = limits, 0

    async def read(self, call: Call) -> bytes:
        """Return the whole body of a request; raise Refused when it is too large or the client has gone."""
        declared = call.header(b"content-length")
        if declared.isdigit():
            self._check(int(declared), 0)
        if call.header(b"content-encoding") not in (b"", b"identity"):
            raise Refused(Code.UNIMPLEMENTED, "the body has a Content-Encoding; send it without", 415)
        parts: list[bytes] = []
        size = 0
        try:
            while True:
                message = await call.receive()
                if message["type"] == "http.disconnect":
                    raise Refused(Code.CANCELLED, "the client closed the connection")
                self._check(size, len(message["body"]))
                size += len(message["body"])
                self._held += len(message["body"])
                parts.append(message["body"])
                if not message.get("more_body"):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
        finally:
            self._held -= size

    def _check(self, size: int, more: int) -> None:
        if size + more > self._limits.body:
            message = f"the body has more than {self._limits.body:,} bytes"
            raise Refused(Code.RESOURCE_EXHAUSTED, message, 413)
        if self._held + more > self._limits.held:
            raise Refused(Code.RESOURCE_EXHAUSTED, "too many large requests at once; try again later")


async def unless_gone(receive: Receive, work: Awaitable[Any]) -> Any:
    """Await work, and cancel it when the client closes its connection meanwhile."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    listeners: list[asyncio.Task[None]] = []
    gone = False

    async def listen() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        task.cancel()

    timer = loop.call_later(PATIENCE, lambda: listeners.append(loop.create_task(listen())))
    try:
        return await work
    except asyncio.CancelledError:
        if not gone:
            raise
        task.uncancel()
        raise Refused(Code.CANCELLED, "the client closed the connection") from None
    finally:
        timer.cancel()
        for listener in listeners:
            listener.cancel()


async def respond(call: Call, send: Send, answer: Callable[[Call], Awaitable[Answer]], metrics: Metrics) -> None:
    """Send the answer to a request, or its error as JSON, and count it."""
    try:
        found = await answer(call)
    except Refused as error:
        found = Answer(error_body(error.message), error.http)
    except Exception as error:
        log.error("%s %s failed\n%s", call.verb, call.path, traceback.format_exc())
        found = Answer(error_body(f"{type(error).__name__} while answering; see the log of the server"), 500)
    metrics.answered(call.model, call.method, found.status, time.perf_counter() - call.began)
    length = (b"content-length", str(len(found.body)).encode())
    await send({"type": "http.response.start", "status": found.status, "headers": [*found.headers, length]})
    body = b"" if call.verb == "HEAD" else found.body
    await send({"type": "http.response.body", "body": body})


class Tokens:
    """Check the token of a request, if the server has one, in a time that does not depend on it."""

    def __init__(self, token: str | None) -> None:
        self._expected = None if token is None else f"Bearer {token}".encode()

    def refusal(self, call: Call) -> Answer | None:
        """Return the answer to a request without the right token, None if it may pass."""
        if self._expected is None or hmac.compare_digest(call.header(b"authorization"), self._expected):
            return None
        body = error_body("this server needs a token: send the header Authorization: Bearer TOKEN")
        return Answer(body, HTTP[Code.UNAUTHENTICATED], (JSON, (b"www-authenticate", b"Bearer")))
