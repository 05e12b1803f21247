"""Download files atomically and check that the network is reachable; callers check for --offline."""

import hashlib
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

from dlkit.errors import MissingError
from dlkit.files.atomic import write_file

NETWORK_SECONDS = 5.0


def network_reachable(host: str) -> bool:
    """Return whether a host name can be resolved within a few seconds; the system's own timeout is minutes."""
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        pool.submit(socket.getaddrinfo, host, 443).result(timeout=NETWORK_SECONDS)
    except Exception:  # if name resolution fails for any reason, nothing can be downloaded
        return False
    finally:
        pool.shutdown(wait=False)
    return True


def download(origin: str, path: Path, expected: str | None) -> None:
    """Download a file to a path; raise MissingError when the download fails or has the wrong checksum."""

    def fetch(aside: Path) -> None:
        with urlopen(origin, timeout=NETWORK_SECONDS) as response, aside.open("wb") as file:
            shutil.copyfileobj(response, file)
        if expected is not None and checksum(aside, expected) != expected:
            raise ValueError(f"its {algorithm(expected)} is not {expected}")

    try:
        write_file(path, fetch)
    except (OSError, ValueError, MissingError) as error:
        raise MissingError(
            f"the download of {path.name} failed: {error}", f"try again, or copy it to {path}"
        ) from error


def algorithm(expected: str) -> str:
    """Return the kind of a checksum, judged by its length."""
    return "SHA-256" if len(expected) == 64 else "MD5"


def checksum(path: Path, expected: str) -> str:
    """Return a file's checksum of the same kind as the expected one; MD5 detects damage but not tampering."""
    with path.open("rb") as file:
        kind = hashlib.sha256 if algorithm(expected) == "SHA-256" else lambda: hashlib.md5(usedforsecurity=False)
        return hashlib.file_digest(file, kind).hexdigest()
