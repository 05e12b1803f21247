"""What the machine offers, read from the system's own files: processor features, cores, memory and disk."""

import os
import shutil
from pathlib import Path

FEATURES = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_bf16": "AVX-512 BF16", "amx_bf16": "AMX BF16"}


def processor_features(cpuinfo: str) -> list[str]:
    """Those of AVX2, AVX-512 and the bfloat16 units that the text of /proc/cpuinfo names."""
    flags = next((text.split(":", 1)[1].split() for text in cpuinfo.splitlines() if text.startswith("flags")), [])
    return [name for flag, name in FEATURES.items() if flag in flags]


def usable_cores(quota: str) -> float:
    """Cores that this process may use: its affinity, and `quota`, the text of the control group's cpu.max."""
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    parts = quota.split()
    if len(parts) == 2 and parts[0].isdecimal() and parts[1].isdecimal():
        cores = min(cores, int(parts[0]) / int(parts[1]))
    return cores


def memory(meminfo: str, limit: str = "", used: str = "") -> dict[str, int]:
    """Bytes total and available by /proc/meminfo, within the control group's memory.max and memory.current."""
    fields = dict(text.split(":", 1) for text in meminfo.splitlines() if ":" in text)
    total, available = (int(fields.get(key, "0").split()[0]) * 1024 for key in ("MemTotal", "MemAvailable"))
    if limit.strip().isdecimal() and int(limit) < total:
        total = int(limit)
        available = min(available, total - int(used or 0))
    return {"total": total, "available": available}


def disk(folder: Path) -> dict[str, int | bool | str]:
    """The nearest folder that exists, its free bytes, and whether it can be written to."""
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
    return {"folder": str(place), "free": shutil.disk_usage(place).free, "writable": os.access(place, os.W_OK)}


def system_text(path: str) -> str:
    """A file of the system, empty where there is none."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""
