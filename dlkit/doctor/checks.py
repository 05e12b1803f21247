"""Is this machine fit for dlkit: versions, processor, memory, disk, data, and a short training with an export.

Each finding has a subject, a level (ok, warning, problem), a text with figures, and a hint where something is to do.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

from dlkit.errors import Problem
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
    """One thing that was looked at."""

    subject: str
    level: Level
    text: str
    hint: str = ""


@dataclass(frozen=True)
class RecipeData:
    """A shipped recipe, the dataset that its source names, whether its data is there, and how to get it if not."""

    recipe: str
    source: str
    there: bool
    text: str = ""
    hint: str = ""


def findings(root: Path, offline: bool, train: Callable[[], Finding]) -> Iterator[Finding]:
    """All findings, each as soon as it is known; `train` comes last, as it takes longest."""
    yield check_versions(versions(), wrong_versions())
    yield check_processor(processor(), processor_features(system_text("/proc/cpuinfo")))
    yield check_cores(usable_cores(), os.getloadavg()[0])
    yield check_memory(memory())
    for subject, folder in (("runs", root), ("cache", cache_directory())):
        yield check_disk(subject, disk(folder))
    yield check_onednn(os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1"))
    yield from check_data(recipe_data(), offline)
    if not offline:
        yield check_network()
    yield train()


def wrong_versions() -> list[str]:
    """What dlkit asks for and does not find in a version that it can work with."""
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
    """Every library is there, in a version that fits."""
    text = ", ".join(f"{name} {number}" for name, number in found.items())
    if wrong:
        return Finding("versions", "problem", text, f"install {', '.join(wrong)}")
    return Finding("versions", "ok", text)


def check_processor(name: str, features: list[str]) -> Finding:
    """The vector units that TensorFlow's kernels use."""
    text = f"{name}: {', '.join(features) or 'no vector units that TensorFlow uses'}"
    if "AVX2" not in features:
        return Finding("processor", "warning", text, "training will be slow here; use a processor with AVX2")
    if any("BF16" in feature for feature in features):
        return Finding("processor", "ok", text, "training.precision: mixed_bfloat16 can be faster here; try it")
    return Finding("processor", "ok", text)


def check_cores(cores: float, load: float) -> Finding:
    """Cores, threads, and whether others keep them busy."""
    threads = whole_number(THREADS) or "one per core"
    text = f"{cores:g} cores, threads: {threads}, load {load:.1f}"
    if load > cores + 0.5:
        return Finding("cores", "warning", text, "other programs keep the cores busy: figures and times will suffer")
    return Finding("cores", "ok", text)


def check_memory(found: Memory) -> Finding:
    """Memory that is free for a training."""
    available = found.available
    text = f"{byte_size(available)} available of {byte_size(found.total)}"
    if available >= LOW_MEMORY:
        return Finding("memory", "ok", text)
    return Finding("memory", "problem" if available < NO_MEMORY else "warning", text, "close other programs")


def check_disk(subject: str, found: Disk) -> Finding:
    """Room for runs or for decoded data."""
    text = f"{byte_size(found.free)} free in {found.folder}"
    choice = {"runs": "--runs-dir or DLKIT_RUNS", "cache": "DLKIT_CACHE"}[subject]
    if not found.writable:
        return Finding(subject, "problem", f"{text}, which cannot be written to", f"choose another place: {choice}")
    if found.free >= LOW_DISK:
        return Finding(subject, "ok", text)
    level: Level = "problem" if found.free < NO_DISK else "warning"
    return Finding(subject, level, text, f"free some space, or choose another place: {choice}")


def check_onednn(value: str) -> Finding:
    """oneDNN's kernels, without which convolutions take more than twice the time."""
    if value.strip().lower() in ("0", "false"):
        return Finding("oneDNN", "warning", "off", "unset TF_ENABLE_ONEDNN_OPTS: without it training takes 2-3 times")
    return Finding("oneDNN", "ok", "on")


def recipe_data() -> list[RecipeData]:
    """For every shipped recipe whether its data is there; nothing is read or downloaded, TensorFlow not imported."""
    from dlkit.data.source import missing_data
    from dlkit.recipe import load_recipe, shipped_recipes

    found = []
    for name in shipped_recipes():
        recipe = load_recipe(name).recipe
        missing = missing_data(recipe)
        problem = missing.problems[0] if missing else Problem("")
        found.append(RecipeData(name, recipe.data.source.name, missing is None, problem.message, problem.hint))
    return found


def check_data(found: list[RecipeData], offline: bool) -> Iterator[Finding]:
    """The recipes whose data is there, then for each thing that is missing the recipes that need it."""
    there = [entry.recipe for entry in found if entry.there]
    text = f"{len(there)} of {len(found)} shipped recipes have their data: {', '.join(there)}"
    yield Finding("data", "ok", text)
    missing: dict[RecipeData, list[str]] = {}
    for entry in found:
        if not entry.there:
            missing.setdefault(replace(entry, recipe=""), []).append(entry.recipe)
    for entry, recipes in missing.items():
        # What can be downloaded is only amiss where nothing may be.
        level: Level = "warning" if offline and entry.source == "tfds" else "ok"
        yield Finding("data", level, f"{', '.join(recipes)}: {entry.text}", entry.hint)


def check_network() -> Finding:
    """Whether datasets could be downloaded: one name is looked up, nothing is fetched."""
    from dlkit.components.datasets.tfds import _network_reachable

    if _network_reachable():
        return Finding("network", "ok", "names can be looked up")
    return Finding("network", "warning", "no name can be looked up", "work with --offline and data that is there")


def has_problem(found: list[Finding]) -> bool:
    """Whether something must be mended before dlkit can work."""
    return any(finding.level == "problem" for finding in found)
