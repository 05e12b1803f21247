"""The request for a server, resolved before any runtime is imported: which folders, and what is allowed."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dlkit.errors import CheckError, InputError, MissingError, closest
from dlkit.export.stored import artefact_folder, is_current, read_certificate
from dlkit.runs.directory import RunDirectory
from dlkit.runs.find import exact_run, find_trained
from dlkit.runs.inspection import CERTIFICATE
from dlkit.serving.limits import Limits
from dlkit.serving.models import Source

FORMATS = ("onnx", "litert", "saved_model")
"""The formats whose answers are exactly the run's, those that need no TensorFlow first."""


@dataclass(frozen=True)
class ServeRequest:
    """What to serve, where, and within which bounds.

    sources: the models. keep: how many of the newest versions answer. shadow: the share of kept samples on which a new
    version must agree with the old one, None without the check. poll: seconds between two looks for new versions.
    """

    sources: Sequence[Source]
    host: str = "127.0.0.1"
    port: int = 8501
    token: str | None = None
    keep: int = 1
    shadow: float | None = None
    poll: float = 1.0
    limits: Limits = field(default_factory=Limits)


def read_token(file: Path | None) -> str | None:
    """Return the token in a file; raise an error when it is missing or empty."""
    if file is None:
        return None
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"cannot read the token in {file}: {reason}"
        raise MissingError(message, "give a text file with --token-file") from error
    if not token or not token.isascii() or not token.isprintable():
        raise InputError(f"{file} does not contain a token", "write one line of printable ASCII characters into it")
    return token


def sources(targets: Sequence[str], labels: Sequence[str], root: Path) -> list[Source]:
    """Return the models that targets name; every run among them has an export.

    A target is the folder of a version, a folder with versions, or a run (see find_trained), and may begin with NAME=.
    """
    found = [_source(*_named(target), root) for target in targets or [""]]
    names = [source.name for source in found]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two models have the name {name!r}", "name one of them: NAME=PATH")
    parsed = _parsed(labels, names)
    for source in found:
        there = sorted(source.versions())
        for label, number in parsed.get(source.name, {}).items():
            if number not in there:
                raise InputError(
                    f"--label {label}={number}: {source.name} has no version {number}",
                    f"versions: {', '.join(map(str, there))}",
                )
    return [replace(source, labels=parsed.get(source.name, {})) for source in found]


def unexported(targets: Sequence[str], root: Path) -> list[Path]:
    """Return the runs among the targets that have no export yet."""
    paths = [_named(target)[1] for target in targets or [""]]
    runs = [find_trained(path or None, root) for path in paths if not _is_folder(path, root)]
    return [run.path for run in runs if exported(run) is None]


def _named(target: str) -> tuple[str | None, str]:
    """Return the name that a target gives to its model, if any, and the rest."""
    name, separator, path = target.partition("=")
    return (name, path) if separator and name and not Path(target).exists() else (None, target)


def _is_folder(path: str, root: Path) -> bool:
    return bool(path) and Path(path).is_dir() and exact_run(path, root) is None


def _source(name: str | None, path: str, root: Path) -> Source:
    if _is_folder(path, root):
        return _folder(Path(path), name)
    run = find_trained(path or None, root)
    found = exported(run, name)
    if found is None:
        raise MissingError(f"{run.path} has no export of its weights", "export it: dlkit export")
    return found


def _folder(folder: Path, name: str | None) -> Source:
    """Return a folder as a model: one version, or a folder with versions."""
    folder = folder.resolve()
    if (folder / CERTIFICATE).is_file():
        is_numbered = folder.name.isdecimal()
        return Source(
            name or (folder.parent if is_numbered else folder).name, folder, int(folder.name) if is_numbered else 1
        )
    source = Source(name or folder.name, folder)
    if not source.versions():
        raise InputError(
            f"{folder} is neither an artefact nor a folder with versions of one (1/, 2/, ...)",
            "give a folder that dlkit export wrote, or a run",
        )
    return source


def exported(run: RunDirectory, name: str | None = None) -> Source | None:
    """Return the newest of the run's exports that gives the run's own answers, preferably one without TensorFlow.

    An export of older weights, before the training was continued, does not.
    """
    for format_name in FORMATS:
        folder = run.path / "exports" / format_name / run.recipe_name
        source = Source(name or run.recipe_name, folder.resolve())
        if source.versions() and _is_current(run, folder):
            return source
    return None


def _is_current(run: RunDirectory, folder: Path) -> bool:
    """Return whether the newest version in a folder has the run's weights; a damaged one is refused later."""
    try:
        return is_current(run, read_certificate(artefact_folder(folder)))
    except CheckError:
        return True


def _parsed(labels: Sequence[str], names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return the versions of labels by model, from texts MODEL:LABEL=VERSION; MODEL: is not needed for one model."""
    found: dict[str, dict[str, int]] = {}
    for text in labels:
        left, _, number = text.partition("=")
        model, _, label = left.rpartition(":")
        model = model or (names[0] if len(names) == 1 else "")
        if not number.isdecimal() or not label:
            raise InputError(f"--label {text!r} is not [MODEL:]LABEL=VERSION", "write for example --label stable=3")
        if model not in names:
            raise InputError(f"--label {text!r} names no model", closest(model, list(names)))
        found.setdefault(model, {})[label] = int(number)
    return found
