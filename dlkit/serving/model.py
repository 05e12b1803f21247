"""One version of a model: its states, its artefact checked and opened, and its answers."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlkit.errors import CheckError, DlkitError, InputError
from dlkit.export.stored import changed_files, read_certificate
from dlkit.runs.inspection import CERTIFICATE
from dlkit.safety.files import check_folder
from dlkit.safety.images import declared_pixels
from dlkit.serving.batching import Batcher
from dlkit.serving.description import Description, read_description
from dlkit.serving.limits import Limits
from dlkit.serving.signature import DEFAULT, Signature, TensorSpec
from dlkit.serving.status import Code, Refused, invalid

if TYPE_CHECKING:
    from dlkit.serving.backends.backend import Backend

START, LOADING, AVAILABLE, UNLOADING, END = "START", "LOADING", "AVAILABLE", "UNLOADING", "END"
Arrays = Mapping[str, np.ndarray]
ENCODED = "encoded"  # the input of endpoints that take JPEG and PNG files


@dataclass(frozen=True)
class Opened:
    """An artefact that passed its checks, in its runtime."""

    folder: Path
    description: Description
    backend: "Backend"


def open_artefact(folder: Path) -> Opened:
    """Check an artefact's certificate and its safety, load it, and compute once.

    Raises CheckError or InputError for what must not be served, and MissingError for a runtime that is not installed.
    """
    check_folder(folder)
    if not (folder / CERTIFICATE).is_file():
        raise InputError(f"{folder} has no {CERTIFICATE}", "serve what dlkit export wrote")
    certificate = read_certificate(folder)
    if certificate.get("passed") is not True:
        raise CheckError(f"{folder} did not pass its certificate", "export the run again")
    changed = changed_files(folder, certificate["files"])
    if changed:
        raise CheckError(f"{folder} has changed since it was certified: {'; '.join(changed)}", "export the run again")
    description = read_description(folder)
    opened = Opened(folder, description, _runtime(certificate["format"], folder)(folder, description))
    _compute_once(opened)
    return opened


def _runtime(format_name: str, folder: Path) -> "Callable[[Path, Description], Backend]":
    """Return the class that runs a format; only its library is imported."""
    if format_name == "saved_model":
        from dlkit.serving.backends.saved_model import SavedModelBackend

        return SavedModelBackend
    if format_name == "onnx":
        from dlkit.serving.backends.onnx import OnnxBackend

        return OnnxBackend
    if re.fullmatch(r"litert(_\w+)?", format_name):
        from dlkit.serving.backends.litert import LiteRTBackend

        return LiteRTBackend
    raise InputError(
        f"{folder} has the format {format_name}, which is not served", "export saved_model, onnx or litert"
    )


def _compute_once(opened: Opened) -> None:
    """Answer zeros, where the shape of an example is known: the first call of a runtime is slow, and may fail.

    A model of a table may refuse a row of empty cells, which shows that it computes.
    """
    signature = opened.backend.signatures[DEFAULT]
    if any(None in spec.shape[1:] for spec in signature.inputs.values()):
        return
    try:
        opened.backend.run(DEFAULT, {name: _zeros(spec) for name, spec in signature.inputs.items()})
    except Exception as error:
        if isinstance(error, Refused) and error.code is Code.INVALID_ARGUMENT and opened.description.columns:
            return
        raise CheckError(f"{opened.folder} cannot compute: {error}", "export the run again") from error


def _zeros(spec: TensorSpec) -> np.ndarray:
    shape = (1, *(size or 1 for size in spec.shape[1:]))
    return np.full(shape, b"", object) if spec.dtype == "string" else np.zeros(shape, spec.dtype)


@dataclass(eq=False)
class Version:
    """A version of a model: its number and folder, its state, and while it is AVAILABLE its artefact and queue.

    stamp: what identifies the folder's contents, so that a refused one is tried again when it changes. code, error: why
    it was refused.
    """

    number: int
    folder: Path
    stamp: str = ""
    state: str = START
    code: Code = Code.OK
    error: Exception | None = None
    opened: Opened | None = field(default=None, repr=False)
    batcher: Batcher | None = field(default=None, repr=False)

    def make_available(self, opened: Opened, limits: Limits, computed: Callable[[int], None]) -> None:
        """Begin to answer requests."""
        self.opened, self.batcher, self.state = opened, Batcher(opened.backend, limits, computed), AVAILABLE

    async def unload(self) -> None:
        """Answer the requests that wait, then let go of the model."""
        self.state = UNLOADING
        if self.batcher is not None:
            await self.batcher.close()
        self.opened = self.batcher = None
        self.state = END

    def refuse(self, error: Exception) -> None:
        """Record why this version is not served."""
        code = Code.FAILED_PRECONDITION if isinstance(error, DlkitError) else Code.INTERNAL
        self.state, self.code, self.error = END, code, error

    def signature(self, name: str | None) -> Signature:
        """Return a signature by name, the default one without; raise Refused when there is none."""
        assert self.opened is not None
        found = self.opened.backend.signatures.get(name or DEFAULT)
        if found is None:
            raise invalid(f'Serving signature name: "{name}" not found in signature def')
        return found

    async def outputs(self, name: str | None, inputs: Arrays, limits: Limits, seconds: float) -> Arrays:
        """Return the outputs of a signature for checked inputs; raise Refused as the queue does."""
        check_inputs(inputs, self.signature(name), limits)
        assert self.batcher is not None
        return await self.batcher.outputs(name or DEFAULT, inputs, seconds)


def check_inputs(inputs: Arrays, signature: Signature, limits: Limits) -> None:
    """Raise Refused for inputs of another shape, with too many rows, NaN or infinity, or too many pixels."""
    rows = {name: len(array) if array.ndim else 0 for name, array in inputs.items()}
    for name, array in inputs.items():
        spec = signature.inputs[name]
        if not spec.fits(array.shape):
            raise invalid(f"input {name} has the shape {list(array.shape)}, but the model takes {spec}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise invalid(f"input {name} contains NaN or infinity")
        if rows[name] != next(iter(rows.values())):
            raise invalid(f"input {name} has {rows[name]} rows, but {next(iter(rows))} has {next(iter(rows.values()))}")
    if not 0 < next(iter(rows.values())) <= limits.rows:
        raise invalid(f"a request has 1 to {limits.rows:,} examples, but this one has {next(iter(rows.values())):,}")
    for encoded in inputs.get(ENCODED, np.empty(0)).ravel():
        _check_pixels(encoded, limits.pixels)


def _check_pixels(encoded: bytes, most: int) -> None:
    pixels = declared_pixels(encoded)
    if pixels is None:
        raise invalid("an encoded image is not a readable JPEG, PNG, GIF, BMP or WebP file")
    if pixels > most:
        raise invalid(f"an encoded image declares {pixels:,} pixels, but at most {most:,} are allowed")


async def opened_elsewhere(folder: Path) -> Opened:
    """Open an artefact in a thread, so that requests are answered meanwhile."""
    return await asyncio.to_thread(open_artefact, folder)
