"""Report an artefact's contents and whether it is safe to open, without loading or running any part of it."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dlkit.errors import InputError, MissingError
from dlkit.runs.content import CONTENTS
from dlkit.runs.directory import RunDirectory
from dlkit.safety.files import first_line, links_out, special_files
from dlkit.safety.keras_files import PICKLES
from dlkit.safety.saved_models import GRAPH, OTHER_GRAPHS

RESOLVED, CERTIFICATE = "resolved.yaml", "certificate.json"
MAX_JSON = 100_000_000
# First bytes of files that can contain programs or other files.
STARTS = {
    b"PK\x03\x04": "a zip archive",
    b"\x89HDF\r\n": "an HDF5 file",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x7fELF": "a program",
    **{b"\x80%c" % protocol: "a pickle" for protocol in range(2, 6)},
}
LONGEST_START = 8
KINDS = (
    "a .keras, .h5, .npz, .npy, .onnx, .tflite or OpenVINO .xml file, a SavedModel folder, a run directory or a "
    "certificate.json (a .keras file is recognised by its name)"
)


@dataclass(frozen=True)
class Inspection:
    """A file's kind, whether it is safe, the reasons if not, and its contents as plain data."""

    path: str
    kind: str
    safe: bool
    reasons: list[str]
    contents: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form."""
        return asdict(self)


Found = tuple[dict[str, Any], list[str]]


def inspect(path: Path) -> Inspection:
    """Inspect an artefact of any kind; raise InputError when its kind is unknown or it is damaged."""
    if not path.exists():
        raise MissingError(f"no such file or folder: {path}", f"give {KINDS}")
    for kind, is_it, read in _READERS:
        if is_it(path):
            contents, problems = read(path)
            reasons = list(dict.fromkeys(problems))
            return Inspection(str(path), kind, not reasons, reasons, contents)
    raise InputError(f"{path} is not an artefact that dlkit recognises", f"give {KINDS}")


def _keras(path: Path) -> Found:
    from dlkit.safety.keras_files import keras_contents

    found = keras_contents(path)
    return {"members": found.members} | _model(found), found.problems + found.foreign


def _h5(path: Path) -> Found:
    from dlkit.safety.keras_files import h5_file_contents

    found = h5_file_contents(path)
    return _model(found), found.problems + found.foreign


def _model(found: Any) -> dict[str, Any]:
    layers = dict(sorted(found.layers.items()))
    return {"layers": layers, "parameters": found.parameters, "arrays": dict(sorted(found.arrays.items()))}


def _arrays(path: Path) -> Found:
    from dlkit.safety.arrays import array_headers

    headers, problems = array_headers(path)
    arrays = {name: {"dtype": header.dtype, "shape": list(header.shape)} for name, header in headers.items()}
    return {"arrays": arrays}, problems


def _saved_model(path: Path) -> Found:
    from dlkit.safety.saved_models import saved_model_contents

    found = saved_model_contents(path)
    operations = dict(sorted(found.operations.items()))
    return {"signatures": found.signatures, "operations": operations, "files": _files(path)}, found.problems


def _onnx(path: Path) -> Found:
    from dlkit.safety.onnx_files import onnx_contents

    found = onnx_contents(path)
    operations = dict(sorted(found.operations.items()))
    return {"inputs": found.inputs, "outputs": found.outputs, "operations": operations}, found.problems


def _litert(path: Path) -> Found:
    from dlkit.safety.litert_files import litert_contents

    found = litert_contents(path)
    return {"signatures": found.signatures, "operations": dict(sorted(found.operations.items()))}, found.problems


def _openvino(path: Path) -> Found:
    from dlkit.safety.openvino_files import openvino_contents

    found = openvino_contents(path)
    return {"operations": dict(sorted(found.operations.items()))}, found.problems


def _certificate(path: Path) -> Found:
    if path.stat().st_size > MAX_JSON:
        raise InputError(f"{path} has more than {MAX_JSON:,} bytes", "no certificate is that large")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or not isinstance(content.get("files"), dict):
            raise ValueError("it is not a mapping with the key `files`")
    except (OSError, ValueError, RecursionError) as error:
        message = f"{path} is not a readable certificate: {first_line(error)}"
        raise InputError(message, "the file is damaged") from error
    return {"certificate": content}, []


def _run(path: Path) -> Found:
    """Return a run's recipe, state and files, and the problems of all artefacts in it, including exports."""
    problems = [f"{link} is a symbolic link out of the run" for link in links_out(path)]
    problems += [f"{item.relative_to(path)}: it is not a regular file" for item in special_files(path)]
    inner = {}
    for item in sorted(path.rglob("*")):
        name = str(item.relative_to(path))
        if item.is_symlink():
            continue
        problems += [f"{name}: {reason}" for reason in _misplaced(item)]
        if any(is_it(item) for _, is_it, _ in _ARTEFACTS):
            inner[name] = found = _inside(path, item)
            problems += [f"{name}: {reason}" for reason in found]
    contents = {"recipe": _recipe_name(path), "finished": (path / "metrics.json").is_file(), "files": _files(path)}
    return contents | {"inspected": sorted(inner)}, problems


def _misplaced(item: Path) -> list[str]:
    """Return why a file may not be in a run: code, or an archive whose contents or kind its name hides."""
    if not item.is_file():
        return []
    if item.suffix.lower() in PICKLES:
        return ["it is code or a pickle"]
    if item.name in CONTENTS:
        return _json_problems(item)
    if any(is_it(item) for _, is_it, _ in _ARTEFACTS):
        return []
    with item.open("rb") as stream:
        start = stream.read(LONGEST_START)
    return [f"it is {kind} under another name" for magic, kind in STARTS.items() if start.startswith(magic)]


def _json_problems(item: Path) -> list[str]:
    try:
        RunDirectory(item.parent).read_json(item.name)
    except InputError as error:
        return [f"it is unreadable ({first_line(error)})"]
    return []


def _inside(run: Path, item: Path) -> list[str]:
    """Return the problems of one artefact of a run."""
    try:
        return inspect(item).reasons
    except InputError as error:
        return [f"it is unreadable ({str(error).removeprefix(str(item)).removeprefix(str(run))})"]


def _recipe_name(run: Path) -> str:
    from dlkit.recipe import load_recipe

    return load_recipe(run / RESOLVED).recipe.name


def _files(folder: Path) -> dict[str, int]:
    """Return the files below a folder with their sizes in bytes, without following links."""
    files = sorted(path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return {str(path.relative_to(folder)): path.lstat().st_size for path in files}


def _named(*suffixes: str) -> Callable[[Path], bool]:
    return lambda path: path.is_file() and path.suffix.lower() in suffixes


_Reader = tuple[str, Callable[[Path], bool], Callable[[Path], Found]]
# Kinds of artefacts that may be loaded, on their own or inside a run.
_ARTEFACTS: tuple[_Reader, ...] = (
    ("keras", _named(".keras"), _keras),
    ("h5", _named(".h5", ".hdf5"), _h5),
    ("arrays", _named(".npz", ".npy"), _arrays),
    ("onnx", _named(".onnx"), _onnx),
    ("litert", _named(".tflite"), _litert),
    ("openvino", _named(".xml"), _openvino),
    ("saved_model", lambda path: any((path / name).is_file() for name in (GRAPH, *OTHER_GRAPHS)), _saved_model),
)
_READERS: tuple[_Reader, ...] = (
    *_ARTEFACTS[:-1],
    ("certificate", _named(".json"), _certificate),
    ("run", lambda path: (path / RESOLVED).is_file(), _run),
    _ARTEFACTS[-1],
)
