"""Record the environment of a run: versions, processor, threads, seed and git state."""

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dlkit.process import is_deterministic

PACKAGES = ("dlkit", "keras", "tensorflow", "tensorflow-datasets", "numpy", "scikit-learn")


def versions() -> dict[str, str]:
    """Return the installed versions of the packages that affect results."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def environment(seed: int) -> dict[str, Any]:
    """Return versions, machine, threads, seed, command line and, inside a git checkout, its commit."""
    import tensorflow as tf

    threads = tf.config.threading
    return {
        "versions": versions(),
        "platform": platform.platform(),
        "processor": processor(),
        "cpus": os.cpu_count(),
        "devices": [device.device_type for device in tf.config.list_physical_devices()],
        "threads": {
            "inter_op": threads.get_inter_op_parallelism_threads(),
            "intra_op": threads.get_intra_op_parallelism_threads(),
        },
        "deterministic": is_deterministic(),
        "seed": seed,
        "command": sys.argv[1:],
        "process": os.getpid(),
        "git": _git_state(),
    }


def processor() -> str:
    """Return the processor's model name as reported by the system."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def _git_state() -> dict[str, Any] | None:
    """Return the commit and whether files differ from it, or None outside a checkout."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "modified": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None
