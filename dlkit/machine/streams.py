"""Make stdout and stderr dependable: a reader that goes away, a full disk or a narrow encoding never ends a verb.

A training must not be lost because its log cannot be written. What cannot be written is dropped; main() reports a full
disk behind stdout once the verb has done its work.
"""

import errno
import io
import os
import sys
from typing import cast


class _Descriptor(io.FileIO):
    """A file descriptor that takes everything: after the first failed write, it leads to /dev/null.

    failure: the reason of the failed write, unless the reader has gone away, as `| head` does.
    """

    failure: str | None = None

    def write(self, data: object) -> int:
        """Write bytes, or drop them; return how many were taken."""
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            if error.errno != errno.EPIPE:
                self.failure = error.strerror
            _point_to_null(self.fileno())
            return len(cast(bytes, data))


def make_dependable() -> None:
    """Replace stdout and stderr of this process; closed ones lead to /dev/null, so that no other file is put there.

    Letters that the encoding lacks are written as escapes. Streams that something else has replaced are left alone.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            _point_to_null(number)
    for number, name in enumerate(("stdout", "stderr"), 1):
        stream = getattr(sys, name)
        if stream is getattr(sys, f"__{name}__"):
            encoding = stream.encoding if stream is not None else "utf-8"
            raw = io.BufferedWriter(cast(io.RawIOBase, _Descriptor(number, "w", closefd=False)))
            setattr(sys, name, io.TextIOWrapper(raw, encoding, "backslashreplace", line_buffering=True))


def failure(name: str) -> str | None:
    """Return why something could not be written to stdout or stderr, or None if all was written."""
    stream = getattr(sys, name)
    stream.flush()
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw.failure if isinstance(raw, _Descriptor) else None


def _point_to_null(number: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    if null != number:
        os.dup2(null, number)
        os.close(null)
