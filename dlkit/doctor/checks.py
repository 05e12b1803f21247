"""Check whether this machine is ready for dlkit: versions, processor, memory, disk, devices, needs.

Each finding has a subject, a level (ok, warning, problem), a text with figures, and a hint where action is needed.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

from dlkit.doctor.needs import Missing, RecipeNeeds
from dlkit.files.cache import cache_directory
from dlkit.formatting import byte_size
from dlkit.machine.environment import processor, versions
from dlkit.machine.hardware import Disk, Memory, disk, memory, processor_features, system_text, usable_cores
from dlkit.process import THREADS, whole_number

Level = Literal["ok", "warning", "problem"]
LOW_MEMORY, NO_MEMORY = 3e9, 1e9
LOW_DISK, NO_DISK = 5e9, 0.5e9


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    subject: str
    level: Level
    text: str
    hint: str = ""


def findings(root: Path, offline: bool, train: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield all findings, each as soon as it is known; those of `train`, which starts TensorFlow, come last."""
    yield check_versions(versions(), wrong_versions())
    yield check_processor(processor(), processor_features(system_text("/proc/cpuinfo")))
    yield check_cores(usable_cores(), os.getloadavg()[0])
    yield check_memory(memory())
    for subject, folder in (("runs", root), ("cache", cache_directory())):
        yield check_disk(subject, disk(folder))
    yield check_onednn(os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1"))
    if not offline:
        yield check_network()
    yield from train()


def wrong_versions() -> list[str]:
    """Return the requirements of dlkit that are not installed in a suitable version."""
    from packaging.requirements import Requirement

    wrong = []
    for requirement in map(Requirement, requires("dlkit") or ()):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            found = "not installed"
        if found == "not installed" or not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{requirement.name}{requirement.specifier} (now: {found})")
    return wrong


def check_versions(found: dict[str, str], wrong: list[str]) -> Finding:
    """Check that every library is installed in a suitable version."""
    text = ", ".join(f"{name} {number}" for name, number in found.items())
    if wrong:
        return Finding("versions", "problem", text, f"install {', '.join(wrong)}")
    return Finding("versions", "ok", text)


def check_processor(name: str, features: list[str]) -> Finding:
    """Check for the vector units that TensorFlow's kernels use."""
    text = f"{name}: {', '.join(features) or 'no vector units that TensorFlow uses'}"
    if "AVX2" not in features:
        return Finding("processor", "warning", text, "training will be slow; use a processor with AVX2")
    if any("BF16" in feature for feature in features):
        return Finding("processor", "ok", text, "training.precision: mixed_bfloat16 may be faster; try it")
    return Finding("processor", "ok", text)


def check_cores(cores: float, load: float) -> Finding:
    """Check cores and threads, and whether other programs keep the cores busy."""
    threads = whole_number(THREADS) or "one per core"
    text = f"{cores:g} cores, threads: {threads}, load {load:.1f}"
    if load > cores + 0.5:
        return Finding("cores", "warning", text, "other programs keep the cores busy; measured times will be too long")
    return Finding("cores", "ok", text)


def check_memory(found: Memory) -> Finding:
    """Check how much memory is free for training."""
    available = found.available
    text = f"{byte_size(available)} available of {byte_size(found.total)}"
    if available >= LOW_MEMORY:
        return Finding("memory", "ok", text)
    return Finding("memory", "problem" if available < NO_MEMORY else "warning", text, "close other programs")


def check_disk(subject: str, found: Disk) -> Finding:
    """Check the disk space for runs or for decoded data."""
    text = f"{byte_size(found.free)} free in {found.folder}"
    choice = {"runs": "--runs-dir or DLKIT_RUNS", "cache": "DLKIT_CACHE"}[subject]
    if not found.writable:
        return Finding(subject, "problem", f"{text}, which is not writable", f"choose another folder: {choice}")
    if found.free >= LOW_DISK:
        return Finding(subject, "ok", text)
    level: Level = "problem" if found.free < NO_DISK else "warning"
    return Finding(subject, level, text, f"free some space, or choose another folder: {choice}")


def check_onednn(value: str) -> Finding:
    """Check for oneDNN's kernels, without which convolutions take more than twice as long."""
    if value.strip().lower() in ("0", "false"):
        return Finding(
            "oneDNN", "warning", "off", "unset TF_ENABLE_ONEDNN_OPTS: without it training takes 2-3 times as long"
        )
    return Finding("oneDNN", "ok", "on")


def check_needs(found: list[RecipeNeeds], offline: bool) -> Iterator[Finding]:
    """Yield the recipes that can be trained, then each missing data set, run or file with the recipes that need it."""
    ready = [entry.recipe for entry in found if not entry.missing]
    yield Finding("recipes", "ok", f"{len(ready)} of {len(found)} can be trained here: {', '.join(ready)}")
    wanted: dict[tuple[Missing, str], list[str]] = {}
    for entry in found:
        for missing in entry.missing:
            wanted.setdefault((missing, entry.source), []).append(entry.recipe)
    for (missing, source), recipes in wanted.items():
        downloads = missing.kind == "weights" or (missing.kind == "data" and source == "tfds")
        level: Level = "warning" if offline and downloads else "ok"  # what can be downloaded is missing only offline
        yield Finding(missing.kind, level, f"{', '.join(recipes)}: {missing.text}", missing.hint)


def check_devices(names: list[str], driver: bool) -> Finding:
    """Check which accelerators TensorFlow uses; driver: whether the system has a driver for NVIDIA GPUs."""
    if names:
        return Finding("devices", "ok", f"TensorFlow uses {', '.join(names)}")
    if driver:
        hint = "install the CUDA libraries that fit this TensorFlow: python -m pip install 'tensorflow[and-cuda]'"
        return Finding("devices", "warning", "there is an NVIDIA GPU, but TensorFlow cannot use it", hint)
    return Finding("devices", "ok", "no GPU; training runs on the processor")


def check_network() -> Finding:
    """Check whether datasets could be downloaded, by looking up one host name."""
    from dlkit.components.datasets.tfds import _network_reachable

    if _network_reachable():
        return Finding("network", "ok", "host names resolve")
    return Finding("network", "warning", "host names do not resolve", "use --offline and data that is already here")


def has_problem(found: list[Finding]) -> bool:
    """Return whether something must be fixed before dlkit can work."""
    return any(finding.level == "problem" for finding in found)
