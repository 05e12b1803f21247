"""Limits of a process are said, and a user whom the system does not know has a home."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dlkit.errors import MissingError
from dlkit.machine import limits


def test_a_small_address_space_is_said_before_tensorflow_aborts(monkeypatch):
    monkeypatch.setattr("resource.getrlimit", lambda _: (1_000_000_000, -1))
    with pytest.raises(MissingError, match=r"limited to 1 GB \(ulimit -v\)"):
        limits.check_address_space()
    monkeypatch.setattr("resource.getrlimit", lambda _: (-1, -1))
    limits.check_address_space()


@pytest.mark.parametrize(("soft", "seconds"), [("", 7), ("-S", 2)])  # a hard limit keeps a margin of five
def test_processor_time_that_is_used_up_is_an_error_and_not_a_kill(soft, seconds):
    code = (
        "from dlkit.machine.limits import heed_processor_time\n"
        "from dlkit.errors import MissingError\n"
        "heed_processor_time()\n"
        "try:\n    while True: sum(range(1000))\n"
        "except MissingError as error: print(error)\n"
    )
    script = f'ulimit {soft} -t {seconds}; exec "{sys.executable}" -c "$CODE"'
    environment = os.environ | {"CODE": code}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout) == (0, "the processor time of this process is used up (ulimit -t)\n")


def test_an_unknown_user_gets_a_home_of_its_own(monkeypatch, tmp_path):
    def unknown(_):
        raise KeyError("uid not found")

    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("HOME")
    limits.ensure_home()
    home = tmp_path / f"dlkit-home-{os.getuid()}"
    assert (Path.home(), home.stat().st_mode & 0o777) == (home, 0o700)
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.getuid", lambda: os.geteuid() + 1)
    (tmp_path / f"dlkit-home-{os.geteuid() + 1}").mkdir()
    with pytest.raises(MissingError, match="belongs to someone else"):
        limits.ensure_home()
