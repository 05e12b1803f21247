"""What the machine offers, within the limits of a control group."""

import os
import resource
import shutil

import psutil

from dlkit.machine.hardware import (
    GROUP,
    Memory,
    disk,
    memory,
    processor_features,
    system_text,
    usable_cores,
    within_group,
)

GIGABYTE = 10**9


def test_features_are_read_from_cpuinfo():
    text = "model name\t: A\nflags\t\t: fpu sse avx2 avx512f avx512_bf16\nmodel name\t: A\n"
    assert processor_features(text) == ["AVX2", "AVX-512", "AVX-512 BF16"]
    assert processor_features("") == []


def test_cores_are_limited_by_the_control_group():
    assert usable_cores("50000 100000\n") == 0.5
    assert usable_cores("max 100000\n") == usable_cores("") == len(os.sched_getaffinity(0))
    assert 0 < usable_cores() <= usable_cores("")


def test_memory_is_limited_by_the_control_group():
    whole = Memory(16 * GIGABYTE, 8 * GIGABYTE)
    assert within_group(16 * GIGABYTE, 8 * GIGABYTE, "", "") == whole
    assert within_group(16 * GIGABYTE, 8 * GIGABYTE, "max\n", "5") == whole
    assert within_group(16 * GIGABYTE, 8 * GIGABYTE, "17000000000\n", "5") == whole
    assert within_group(16 * GIGABYTE, 8 * GIGABYTE, "4000000000\n", "3500000000\n") == Memory(
        4 * GIGABYTE, GIGABYTE // 2
    )
    assert within_group(16 * GIGABYTE, 8 * GIGABYTE, "4000000000\n", "5000000000\n").available == 0
    assert 10_000_000 < memory().available <= memory().total <= psutil.virtual_memory().total


def test_the_disk_of_a_folder_that_is_not_there_is_that_of_its_parent(tmp_path):
    found = disk(tmp_path / "a" / "b")
    assert (found.folder, found.writable) == (tmp_path, True)
    assert abs(found.free - shutil.disk_usage(tmp_path).free) < GIGABYTE


def test_a_file_that_the_system_lacks_is_empty():
    assert system_text(f"{GROUP}/no such file") == ""


def test_memory_is_limited_by_what_the_process_may_have(monkeypatch):
    held = psutil.Process().memory_info().data
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (held + 50_000_000, -1))
    found = memory()
    assert found.total == held + 50_000_000
    assert 0 <= found.available <= 60_000_000
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1000, -1))
    assert memory() == Memory(1000, 0)
