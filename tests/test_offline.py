"""Offline means offline: no connection and no name look-up, seen from outside by strace."""

import os
import re
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed (Linux only)")


def traced(tmp_path, *program):
    """The network system calls of a Python program and all its children, without local sockets between processes."""
    log = tmp_path / "calls"
    calls = "trace=connect,sendto,sendmsg,sendmmsg"
    command = [
        "strace",
        "-f",
        "--seccomp-bpf",  # stops at the traced calls alone
        "-qq",
        "-e",
        calls,
        "-o",
        str(log),
        sys.executable,
        *program,
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "2"}
    )
    return done, [
        line
        for line in log.read_text().splitlines()
        if re.search(r"AF_INET|sendto|sendmsg|sendmmsg|nscd|resolve", line)
    ]


def test_train_evaluate_and_export_open_nothing(tmp_path, one_after_the_other):
    runs = ("--runs-dir", str(tmp_path / "runs"), "--offline")
    small = ("--set", "training.epochs=1", "--set", "data.limit=200")
    commands = (("train", "digits_mlp", *small), ("evaluate",), ("export", "--rounds", "1"))
    done, calls = traced(tmp_path, *one_after_the_other(*((*command, *runs) for command in commands)))
    assert done.returncode == 0, done.stderr
    assert calls == []
    assert len(list(tmp_path.glob("runs/digits_mlp/*/exports/saved_model/digits_mlp/1/certificate.json"))) == 1


def test_missing_data_is_one_message_with_the_ways_to_supply_it(tmp_path):
    done, calls = traced(
        tmp_path,
        *("-m", "dlkit", "train", "mnist_mlp", "--data-dir", str(tmp_path / "none")),
        *("--runs-dir", str(tmp_path), "--offline"),
    )
    assert done.returncode == 3
    assert calls == []
    assert "the dataset 'mnist' is not in" in done.stderr
    assert "--offline forbids the download" in done.stderr
    for way in ("run once with a network", "copy a prepared folder", "--data-dir", "TFDS_DATA_DIR"):
        assert way in done.stderr
    assert "Traceback" not in done.stderr
