"""A disk that is full, read-only or out of inodes: one message, nothing half there, and the run goes on afterwards."""

import contextlib
import os
import subprocess

import pytest

from dlkit.errors import MissingError
from dlkit.experiments.reproduce import history
from dlkit.files.cache import new_array
from dlkit.recipe import load_recipe
from dlkit.runs.find import find_run
from dlkit.training.run import resume_run, train_recipe

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")


@pytest.fixture
def disk(tmp_path):
    """A disk of 4 MB with 120 inodes."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=120", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


SETTINGS = ["training.epochs=4", "training.snapshot={steps: 10}"]


@pytest.fixture
def loaded():
    return load_recipe("digits_mlp", SETTINGS)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, silent):
    return train_recipe(load_recipe("digits_mlp", SETTINGS), tmp_path_factory.mktemp("undisturbed"), silent()).run


def fill(disk):
    """Leave no byte."""
    with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as stream:
        while stream.write(bytes(4096)):
            pass


def use_up_inodes(disk):
    """Leave no inode."""
    with contextlib.suppress(OSError):
        for number in range(200):
            (disk / f"filler{number}").touch()


@pytest.mark.parametrize("exhaust", [fill, use_up_inodes])
def test_a_disk_that_fills_up_within_a_training(disk, loaded, undisturbed, silent, exhaust):
    class Filling(silent):
        def epoch_done(self, epoch, row):
            super().epoch_done(epoch, row)
            if epoch == 1:
                exhaust(disk)

    with pytest.raises(MissingError, match=r"cannot write .*: No space left on device"):
        train_recipe(loaded, disk, Filling())
    run = find_run("digits_mlp", disk, finished=False)
    assert list(run.path.rglob(".writing-*")) == []
    for file in disk.glob("filler*"):
        file.unlink()
    resumed = resume_run(loaded, run, silent())
    assert history(resumed.run) == history(undisturbed)
    assert len(history(resumed.run)) == 4


def test_a_disk_that_is_full_before_is_foreseen(disk, loaded, silent):
    fill(disk)
    with pytest.raises(MissingError, match=r"needs about .* on disk, but .* has 0 MB free"):
        train_recipe(loaded, disk, silent())


def test_a_read_only_disk_is_named(disk, loaded, silent):
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(MissingError, match=r"cannot write .*: Read-only file system"):
        train_recipe(loaded, disk, silent())


def test_an_array_that_does_not_fit_is_an_error_and_not_a_signal(disk):
    """A sparse file would be created, and the first write to it would end the process with SIGBUS."""
    with pytest.raises(MissingError, match=r"cannot write .*big\.npy: No space left on device"):
        new_array(disk / "big.npy", "uint8", (50_000_000,))
