"""Files and folders are whole or absent: the order of the system calls, a fault at each of them, and abandoned work."""

import os
import subprocess
import sys

import pytest

from dlkit.errors import MissingError
from dlkit.files.atomic import PREFIX, folder_aside, publish, remove_abandoned, write_file, write_text


def recorded(monkeypatch, fail_at=None):
    """Record fsync, replace and rename in order; the call number `fail_at` raises instead."""
    calls = []

    def wrap(name):
        plain = getattr(os, name)

        def call(*arguments, **settings):
            calls.append(name)
            if len(calls) - 1 == fail_at:
                raise OSError(5, "Input/output error")
            return plain(*arguments, **settings)

        monkeypatch.setattr(os, name, call)

    for name in ("fsync", "replace", "rename"):
        wrap(name)
    return calls


def test_a_file_is_synced_before_it_is_renamed_and_its_folder_after(tmp_path, monkeypatch):
    calls = recorded(monkeypatch)
    write_text(tmp_path / "a.txt", "new")
    assert calls == ["fsync", "replace", "fsync"]


def test_a_folder_is_synced_with_all_its_files_before_it_is_renamed(tmp_path, monkeypatch):
    calls = recorded(monkeypatch)
    with folder_aside(tmp_path) as aside:
        (aside / "one").write_text("1")
        (aside / "two").write_text("2")
        assert publish(aside, tmp_path / "whole")
    assert calls == ["fsync", "fsync", "fsync", "rename", "fsync"]
    assert sorted(os.listdir(tmp_path)) == ["whole"]


@pytest.mark.parametrize("fail_at", [0, 1])
def test_a_fault_before_the_rename_leaves_the_old_file_alone(tmp_path, monkeypatch, fail_at):
    write_text(tmp_path / "a.txt", "old")
    with monkeypatch.context() as patch:
        recorded(patch, fail_at)
        with pytest.raises(MissingError, match=r"cannot write .*a\.txt: Input/output error"):
            write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def fill_and_publish(parent):
    with folder_aside(parent) as aside:
        (aside / "one").write_text("1")
        publish(aside, parent / "whole")


@pytest.mark.parametrize("fail_at", [0, 1, 2])
def test_a_fault_leaves_no_part_of_a_folder(tmp_path, monkeypatch, fail_at):
    with monkeypatch.context() as patch:
        recorded(patch, fail_at)
        with pytest.raises(MissingError):
            fill_and_publish(tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_there_already_stays(tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "first").write_text("1")
    with folder_aside(tmp_path) as aside:
        (aside / "second").write_text("2")
        assert not publish(aside, tmp_path / "whole")
    assert os.listdir(tmp_path / "whole") == ["first"]


def test_only_abandoned_work_is_removed(tmp_path):
    code = (
        "import sys, pathlib\n"
        "from dlkit.files.atomic import folder_aside, write_file\n"
        f"root = pathlib.Path({str(tmp_path)!r})\n"
        "def write(aside):\n"
        "    with folder_aside(root) as folder:\n"
        "        (folder / 'x').write_text('x'); print('ready', flush=True); sys.stdin.read()\n"
        "write_file(root / 'a.txt', write)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert writer.stdout.readline() == "ready\n"
    remove_abandoned(tmp_path)
    assert len(list(tmp_path.glob(f"{PREFIX}*"))) == 2
    writer.kill()
    writer.communicate()
    remove_abandoned(tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingError, match=r"cannot write .*file/a\.txt: File exists"):
        write_file(tmp_path / "file" / "a.txt", lambda aside: None)


def test_processes_that_create_runs_at_once_do_not_disturb_one_another(tmp_path):
    """Every new run tidies up after killed ones, and must not take one that is being made for one of these."""
    code = (
        "import sys, pathlib\n"
        "from dlkit.runs.directory import create_run\n"
        "for number in range(40):\n"
        "    run = create_run(pathlib.Path(sys.argv[1]), 'net', lambda run: run.write_json('a.json', {'n': number}))\n"
        "    assert run.read_json('a.json') == {'n': number}\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.PIPE) for _ in range(4)]
    assert [(child.communicate()[1], child.returncode) for child in children] == [(b"", 0)] * 4
    assert len([path for path in (tmp_path / "net").iterdir() if not path.name.startswith(".")]) == 160
    assert not list(tmp_path.rglob(".writing-*"))


@pytest.mark.parametrize(("umask", "file", "folder"), [(0o077, 0o600, 0o700), (0o022, 0o644, 0o755), (0, 0o666, 0o777)])
def test_permissions_follow_the_umask(tmp_path, umask, file, folder):
    before = os.umask(umask)
    try:
        write_text(tmp_path / "a", "x")
        with folder_aside(tmp_path) as aside:
            publish(aside, tmp_path / "b")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == file
    assert (tmp_path / "b").stat().st_mode & 0o777 == folder
