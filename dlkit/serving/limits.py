"""What one server allows: sizes, times and numbers, with their defaults."""

from dataclasses import dataclass

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Limits:
    """The bounds of a server; every request past one of them gets an error that names it.

    body: bytes of a request's body. held: bytes of all bodies that are in memory at once. head: bytes of a request's
    first line and headers. pixels: of an encoded image. rows: examples of one request. batch: examples computed at
    once. queue: requests that wait, of one model. seconds: to answer a request, waiting included. receive: seconds to
    receive a whole request. idle: seconds that a connection may be open without a request. connections: open at once.
    """

    body: int = 32 * MEGABYTE
    held: int = 256 * MEGABYTE
    head: int = 65_536
    pixels: int = 25_000_000
    rows: int = 1024
    batch: int = 64
    queue: int = 1024
    seconds: float = 30.0
    receive: float = 20.0
    idle: float = 60.0
    connections: int = 2000
