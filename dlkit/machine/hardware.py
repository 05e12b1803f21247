"""Query processor features, cores, memory and disk, within the limits of a control group (cgroup)."""

import os
import resource
import shutil
from dataclasses import dataclass
from pathlib import Path

import psutil

GROUP = "/sys/fs/cgroup"

FEATURES = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_bf16": "AVX-512 BF16", "amx_bf16": "AMX BF16"}


def processor_features(cpuinfo: str) -> list[str]:
    """Return which of AVX2, AVX-512 and the bfloat16 units the text of /proc/cpuinfo lists."""
    flags = next((text.split(":", 1)[1].split() for text in cpuinfo.splitlines() if text.startswith("flags")), [])
    return [name for flag, name in FEATURES.items() if flag in flags]


def usable_cores(quota: str | None = None) -> float:
    """Return the cores that this process may use, limited by its affinity and `quota`, the text of cpu.max."""
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    parts = (system_text(f"{GROUP}/cpu.max") if quota is None else quota).split()
    if len(parts) == 2 and parts[0].isdecimal() and parts[1].isdecimal():
        cores = min(cores, int(parts[0]) / int(parts[1]))
    return cores


@dataclass(frozen=True)
class Memory:
    """Total bytes, and bytes available without swapping."""

    total: int
    available: int


def memory() -> Memory:
    """Return the machine's memory, within the limits of the control group and of the process."""
    machine = psutil.virtual_memory()
    group = (system_text(f"{GROUP}/memory.{name}") for name in ("max", "current"))
    found = within_group(int(machine.total), int(machine.available), *group)
    for limit, name in ((resource.RLIMIT_DATA, "data"), (resource.RLIMIT_AS, "vms")):
        own = resource.getrlimit(limit)[0]
        if own != resource.RLIM_INFINITY:
            held = int(getattr(psutil.Process().memory_info(), name, 0))
            found = Memory(min(found.total, own), max(0, min(found.available, own - held)))
    return found


def within_group(total: int, available: int, limit: str, used: str) -> Memory:
    """Return the machine's memory, reduced to the control group's limit where that is smaller."""
    if limit.strip().isdecimal() and int(limit) < total:
        total = int(limit)
        available = max(0, min(available, total - int(used or 0)))
    return Memory(total, available)


@dataclass(frozen=True)
class Disk:
    """The nearest existing folder, its free bytes, and whether it is writable."""

    folder: Path
    free: int
    writable: bool


def disk(folder: Path) -> Disk:
    """Return the disk of a folder, which need not exist yet."""
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
    return Disk(place, shutil.disk_usage(place).free, os.access(place, os.W_OK))


def system_text(path: str) -> str:
    """Return the text of a system file, or an empty string if it is unreadable."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""
