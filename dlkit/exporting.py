"""The chosen exporter, then the artefact reloaded in a clean process and compared with the run: the certificate."""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

import dlkit.exporters
from dlkit.atomic import folder_aside, publish, remove_abandoned, write_text
from dlkit.components import load
from dlkit.environment import versions
from dlkit.errors import CheckError, InputError, MissingError
from dlkit.exporters._exporter import takes_images
from dlkit.inspection.saved_models import GRAPH, check_saved_model
from dlkit.model_parts import trained_part
from dlkit.run_directory import RunDirectory
from dlkit.trained_model import TrainedModel

ABSOLUTE, RELATIVE = 1e-5, 1e-5
# In a mask of classes so many pixels may differ: where two classes are as good as equal, rounding decides.
TIES = 1e-4
CERTIFICATE, CLASS_NAMES = "certificate.json", "class_names.json"
RELOAD_SECONDS = 600

Requests = dict[str, np.ndarray]


def export(
    trained: TrainedModel, format_name: str, output: Path | None = None, part: str | None = None
) -> tuple[Path, dict[str, Any]]:
    """Write an artefact with its certificate to <output>/<recipe name>/<version>/; returns that folder and certificate.

    part: `encoder` or `decoder` of an autoencoder alone, in <recipe name>_<part>. Raises CheckError, and leaves nothing
    behind, when the reloaded artefact does not give the run's own answers.
    """
    exporter: Any = load("exporter", format_name)
    trained = trained_part(trained, part)
    name = "_".join(filter(None, (trained.loaded.recipe.name, part)))
    base = (output or trained.run.path / "exports" / format_name) / name
    remove_abandoned(base)
    with folder_aside(base) as aside:
        exporter(trained.built, aside)
        if trained.built.class_names:
            write_text(aside / CLASS_NAMES, json.dumps(list(trained.built.class_names), ensure_ascii=False) + "\n")
        certificate = _certificate(trained, format_name, aside, part)
        write_text(aside / CERTIFICATE, json.dumps(certificate, indent=2) + "\n")
        if not certificate["passed"]:
            raise CheckError(
                f"the exported {format_name} differs from the run: {_worst(certificate)}", "nothing was kept"
            )
        return _next_version(aside, base), certificate


def verify(path: Path, trained: TrainedModel) -> dict[str, Any]:
    """Check an artefact against its certificate and its run; returns a fresh certificate, raises CheckError."""
    artefact = artefact_folder(path)
    certificate = read_certificate(artefact)
    trained = trained_part(trained, certificate.get("part"))
    changed = _changed_files(artefact, certificate["files"])
    if changed:
        raise CheckError(f"{artefact} is not what was certified: {'; '.join(changed)}", "export the run again")
    names_file = artefact / CLASS_NAMES
    try:
        names = json.loads(names_file.read_text()) if names_file.exists() else []
    except ValueError as error:
        raise CheckError(f"{names_file} is damaged: {error}", "export the run again") from error
    if names != list(trained.built.class_names):
        raise CheckError(f"{names_file} names other classes than the run: {names}", "export the run again")
    if (artefact / GRAPH).exists():
        check_saved_model(artefact)
    fresh = _certificate(trained, certificate["format"], artefact, certificate.get("part"))
    if not fresh["passed"]:
        raise CheckError(f"{artefact} differs from its run: {_worst(fresh)}", "export the run again")
    return fresh


def artefact_folder(path: Path) -> Path:
    """The folder with the certificate: the path itself, or the newest version below it."""
    if (path / CERTIFICATE).is_file():
        return path
    versions_here = [child for child in path.glob("*") if child.name.isdigit() and (child / CERTIFICATE).is_file()]
    if not versions_here:
        raise InputError(f"{path} holds no {CERTIFICATE}", "give the folder that dlkit export printed")
    return max(versions_here, key=lambda child: int(child.name))


def read_certificate(artefact: Path) -> dict[str, Any]:
    """The certificate beside an artefact; InputError when it is damaged."""
    try:
        certificate: dict[str, Any] = json.loads((artefact / CERTIFICATE).read_text())
        if not isinstance(certificate["files"], dict) or not isinstance(certificate["run"], str):
            raise ValueError("files or run has another form")
        load("exporter", certificate["format"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckError(f"{artefact / CERTIFICATE} is damaged: {error}", "export the run again") from error
    return certificate


def _next_version(aside: Path, base: Path) -> Path:
    """Rename to the next free version number, as TensorFlow Serving expects them."""
    taken = [int(child.name) for child in base.iterdir() if child.name.isdigit()]
    version = max(taken, default=0) + 1
    while not publish(aside, base / str(version)):
        version += 1
    return base / str(version)


def _certificate(trained: TrainedModel, format_name: str, artefact: Path, part: str | None) -> dict[str, Any]:
    samples = trained.built.samples(load_samples(trained.run))
    requests, expected = _requests(trained, samples)
    answers = _reload(artefact, requests)
    checks = {" on ".join(reversed(key.split("/")[:2])): _compare(key, expected[key], answers) for key in requests}
    return {
        "format": format_name,
        "part": part,
        "recipe": trained.loaded.recipe.name,
        "run": str(trained.run.path),
        "checkpoint": trained.checkpoint,
        "samples": len(samples),
        "batch_sizes": [len(samples), 1],
        "tolerance": {"absolute": ABSOLUTE, "relative": RELATIVE},
        "largest_absolute_difference": max(check["largest_absolute_difference"] for check in checks.values()),
        "label_agreement": min(check["label_agreement"] for check in checks.values()),
        "passed": all(check["passed"] for check in checks.values()),
        "checks": checks,
        "versions": versions(),
        "files": _hashes(artefact),
    }


def load_samples(run: RunDirectory) -> np.ndarray:
    """The raw held-out examples that the run keeps for certificates."""
    try:
        with np.load(run.path / "samples.npz", allow_pickle=False) as archive:
            samples: np.ndarray = archive["inputs"]
    except (OSError, ValueError, KeyError) as error:
        raise MissingError(f"{run.path / 'samples.npz'} is missing or damaged", "train the recipe again") from error
    return samples


def _requests(trained: TrainedModel, samples: np.ndarray) -> tuple[Requests, dict[str, Mapping[str, np.ndarray]]]:
    """Real examples for every endpoint, and what the run's own model answers."""
    built = trained.built
    arrays = {"samples": samples}
    if built.resize is not None:  # another size must pass through the resize
        arrays["samples of twice the size"] = np.repeat(np.repeat(samples, 2, axis=1), 2, axis=2)
    requests: Requests = {}
    expected: dict[str, Mapping[str, np.ndarray]] = {}
    for size, array in arrays.items():
        answer = {name: np.asarray(value) for name, value in built.predict_raw(tf.constant(array)).items()}
        if built.scores is not None:
            best = answer[built.scores].argmax(axis=-1)
            answer["label"] = np.asarray([built.class_names[index].encode() for index in best])
        endpoints = {"serving_default/inputs": array}
        if takes_images(built.raw_spec):
            endpoints["serve_encoded/encoded"] = np.asarray([tf.io.encode_png(image).numpy() for image in array])
        for endpoint, values in endpoints.items():
            key = f"{size}/{endpoint}"
            requests[key], expected[key] = values, answer
    return requests, expected


def _reload(artefact: Path, requests: Requests) -> dict[str, np.ndarray]:
    """What the artefact answers in a clean process that cannot import dlkit."""
    script = Path(dlkit.exporters.__path__[0]) / "_reload_saved_model.py"
    with tempfile.TemporaryDirectory() as scratch:
        asked, answered = Path(scratch) / "requests.npz", Path(scratch) / "answers.npz"
        np.savez(asked, allow_pickle=False, **requests)
        command = [sys.executable, "-I", str(script), str(artefact.resolve()), str(asked), str(answered)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=RELOAD_SECONDS, check=False)
        if done.returncode != 0:
            last = done.stderr.strip().splitlines()[-1:] or ["no message"]
            raise CheckError(f"a clean process cannot run {artefact}: {last[0]}", "export the run again")
        with np.load(answered, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}


def _compare(key: str, expected: Mapping[str, np.ndarray], answers: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Largest difference over both batch sizes and both rounds, and the share of equal labels."""
    number = key.split("/", 1)[0]
    largest, repeated, agreement, passed = 0.0, 0.0, 1.0, True
    for name, wanted in expected.items():
        turns = [answers[f"{number}/{turn}/{name}"] for turn in range(4)]
        for turn, found in enumerate(turns):
            if found.shape != wanted.shape:
                passed, largest = False, float("inf")
            elif wanted.dtype.kind in "Siu":
                share = float(np.mean(found == wanted))
                agreement = min(agreement, share)
                passed = passed and share >= (1 if wanted.dtype.kind == "S" else 1 - TIES)
            else:
                difference = np.abs(found.astype(np.float64) - wanted)
                passed = passed and bool(np.all(difference <= ABSOLUTE + RELATIVE * np.abs(wanted)))
                largest = max(largest, float(difference.max()))
                repeated = max(repeated, float(np.abs(found.astype(np.float64) - turns[turn % 2]).max()))
    passed = passed and repeated <= ABSOLUTE
    return {
        "largest_absolute_difference": largest,
        "largest_difference_between_two_calls": repeated,
        "label_agreement": agreement,
        "passed": passed,
    }


def _worst(certificate: Mapping[str, Any]) -> str:
    return (
        f"largest absolute difference {certificate['largest_absolute_difference']:.3g} "
        f"(allowed {ABSOLUTE:g} + {RELATIVE:g} |y|), labels agree on {certificate['label_agreement']:.1%} "
        f"of {certificate['samples']} samples"
    )


def _hashes(artefact: Path) -> dict[str, str]:
    files = sorted(path for path in artefact.rglob("*") if path.is_file() and path.name != CERTIFICATE)
    return {str(path.relative_to(artefact)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _changed_files(artefact: Path, certified: Mapping[str, str]) -> list[str]:
    found = _hashes(artefact)
    missing = [f"{name} is missing" for name in certified if name not in found]
    added = [f"{name} was added" for name in found if name not in certified]
    return (
        missing + added + [f"{name} was changed" for name in found if certified.get(name, found[name]) != found[name]]
    )
