"""An artefact on disk and its certificate, without TensorFlow: the folder, what it says, what changed."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.catalog.find import names
from dlkit.errors import CheckError, InputError, MissingError
from dlkit.runs.directory import CHECKPOINTS, RunDirectory
from dlkit.runs.inspection import CERTIFICATE
from dlkit.safety.arrays import check_arrays
from dlkit.safety.files import UnreadableError


def artefact_folder(path: Path) -> Path:
    """Return the folder with the certificate: the path itself, or the newest version below it."""
    if (path / CERTIFICATE).is_file():
        return path
    versions_here = [child for child in path.glob("*") if child.name.isdigit() and (child / CERTIFICATE).is_file()]
    if not path.exists():
        raise MissingError(f"no such folder: {path}", "give the folder that dlkit export printed")
    if not versions_here:
        raise InputError(f"{path} has no {CERTIFICATE}", "give the folder that dlkit export printed")
    return max(versions_here, key=lambda child: int(child.name))


def read_certificate(artefact: Path) -> dict[str, Any]:
    """Read the certificate of an artefact; raise CheckError when it is damaged."""
    try:
        certificate: dict[str, Any] = json.loads((artefact / CERTIFICATE).read_text())
        if not isinstance(certificate["files"], dict) or not isinstance(certificate["run"], str):
            raise ValueError("files or run has the wrong type")
        if certificate["format"] not in names("exporter"):
            raise ValueError(f"there is no format {certificate['format']!r}")
        if certificate["checkpoint"] not in CHECKPOINTS:
            raise ValueError(f"there is no checkpoint {certificate['checkpoint']!r}")
        if not isinstance(certificate.get("allowed_loss"), float | int | None):
            raise ValueError("allowed_loss is not a number")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckError(f"{artefact / CERTIFICATE} is damaged: {error}", "export the run again") from error
    return certificate


def changed_files(artefact: Path, certified: Mapping[str, str]) -> list[str]:
    """List the files of an artefact that are missing, added or changed since it was certified."""
    found = hashes(artefact)
    missing = [f"{name} is missing" for name in certified if name not in found]
    added = [f"{name} was added" for name in found if name not in certified]
    changed = [f"{name} was changed" for name in found if certified.get(name, found[name]) != found[name]]
    return missing + added + changed


def hashes(artefact: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of an artefact except the certificate, by relative path."""
    files = sorted(path for path in artefact.rglob("*") if path.is_file() and path.name != CERTIFICATE)
    return {str(path.relative_to(artefact)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def weights_hash(run: RunDirectory, checkpoint: str) -> str:
    """Return the SHA-256 of the file of a run's checkpoint; it is read once for all certificates."""
    path = run.checkpoint(checkpoint)
    status = path.stat()
    return _hash(path, status.st_mtime_ns, status.st_size)


@cache
def _hash(path: Path, changed: int, size: int) -> str:
    del changed, size  # another file has other ones
    return hashlib.sha256(path.read_bytes()).hexdigest()


def is_current(run: RunDirectory, certificate: Mapping[str, Any]) -> bool:
    """Return whether an artefact has the present weights of its run, which may have been trained further."""
    known = certificate.get("weights")
    return known is None or known == weights_hash(run, certificate["checkpoint"])


def outdated_formats(run: RunDirectory) -> list[str]:
    """Return the formats whose exports have other weights than the run has now; damaged ones are passed over."""
    found = set()
    for path in run.path.glob(f"exports/*/*/*/{CERTIFICATE}"):
        with suppress(CheckError, OSError):
            certificate = read_certificate(path.parent)
            found |= set() if is_current(run, certificate) else {str(certificate["format"])}
    return sorted(found)


def load_samples(run: RunDirectory) -> np.ndarray:
    """Return the raw held-out examples that the run stores for certificates; check their file before reading it."""
    path = run.path / "samples.npz"
    try:
        if path.is_file():
            check_arrays(path)
        with np.load(path, allow_pickle=False) as archive:
            samples: np.ndarray = archive["inputs"]
    except (OSError, ValueError, KeyError, UnreadableError) as error:
        raise MissingError(f"{path} is missing or damaged", "train the recipe again") from error
    return samples
