"""Connections within bounds: uvicorn's HTTP protocol with deadlines for receiving, which it lacks, and limits."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from dlkit.serving.answers import error_body
from dlkit.serving.limits import Limits


class Connection(HttpToolsProtocol):
    """A connection that is closed when a request takes too long to arrive, or when too many others are open.

    The deadline of a request begins with its first byte, that of a new connection at once.
    """

    def __init__(self, limits: Limits, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._limits = limits
        self._deadline: asyncio.TimerHandle | None = None
        self._head = 0
        self.quiet_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection; beyond the limit, close the one that has been quiet the longest, or refuse this one."""
        super().connection_made(transport)
        self._begin()
        self.quiet_since = self.loop.time()
        if len(self.connections) > self._limits.connections:
            others: list[Any] = list(self.connections)
            quiet = [other for other in others if other.quiet_since is not None]
            victim = min(quiet, key=lambda other: other.quiet_since) if len(quiet) > 1 else self
            if victim is self:
                self._close_with(503, "too many connections are open; try again later")
            else:
                victim.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Receive a part of a request."""
        if self._deadline is None and self._answered:
            self._begin()
        self._head += len(data)
        super().data_received(data)
        if self._head > self._limits.head and self._deadline is not None and self._answered:
            self._close_with(431, f"the headers have more than {self._limits.head:,} bytes")

    @property
    def _answered(self) -> bool:
        """Return whether no request with complete headers is waiting for its answer."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def on_headers_complete(self) -> None:
        """Start to answer; from here on, bytes count as a body."""
        self.quiet_since, self._head = None, -(1 << 62)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the request has arrived in time."""
        self._end()
        self._head = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Note since when the connection is quiet."""
        self.quiet_since = self.loop.time()
        super().on_response_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection without requests, at once if its client does not even read its answer."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _begin(self) -> None:
        seconds = self._limits.receive
        self._deadline = self.loop.call_later(
            seconds, self._close_with, 408, f"the request did not arrive within {seconds:g} s"
        )

    def _end(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _close_with(self, status: int, message: str) -> None:
        """Close the connection, with an error unless an answer has begun."""
        self._end()
        if self.transport.is_closing():
            return
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            body = error_body(message)
            head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            self.transport.write(STATUS_LINE[status] + head.encode() + body)
        self.transport.close()
