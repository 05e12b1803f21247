"""Permission denied, data unplugged, two processes at once: the right exit code, one message, nothing half-written."""

import ctypes
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from dlkit.components.datasets.digits import Digits
from dlkit.recipe import load_recipe
from dlkit.runs.find import find_run, list_runs
from dlkit.training.run import train_recipe

RECIPE = """
recipe: 1
name: fragile
task: classification
data:
  source: {source}
  {resize}
  preprocess: [Flatten]
model:
  sequential:
    layers: [Dense: {{units: {units}, activation: softmax}}]
training:
  epochs: 3
  batch_size: 32
  optimizer: SGD
"""
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAPABILITY_VERSION = 1, 2, 0x20080522


def restrict(allowed):
    """Take from this thread the rights by which root reads and writes everything, or give them back."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0
    bits = 1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH
    sets[0] = sets[0] | (sets[1] & bits) if allowed else sets[0] & ~bits
    assert libc.capset(header, sets) == 0


@pytest.fixture
def denied():
    """A function that takes all permissions from a path; permissions bind even root within the test."""
    changed = []

    def deny(path, mode=0):
        changed.append((path, path.stat().st_mode))
        path.chmod(mode)

    restrict(allowed=False)
    yield deny
    for path, mode in changed:
        path.chmod(mode)
    restrict(allowed=True)


PROGRESS = ("epoch ", "starting TensorFlow", "reading the data", "examples: ", "resuming ", "continuing ")


@pytest.fixture
def dlkit(dlkit):
    """Run the command line in this process; gives exit code and stderr's messages, which hold no traceback."""

    def run(*arguments):
        code, _, error = dlkit(*arguments)
        assert "Traceback" not in error
        return code, [text for text in error.splitlines() if not text.startswith(PROGRESS)]

    return run


@pytest.fixture
def pictures(tmp_path):
    """Real digits as PNG files: two classes, 20 of each."""
    source = Digits().load("train", None)
    for label in (0, 1):
        folder = tmp_path / "photos" / str(label)
        folder.mkdir(parents=True)
        for index, image in enumerate(source.inputs[source.targets == label][:20]):
            Image.fromarray(image[..., 0]).save(folder / f"{index}.png")
    return tmp_path / "photos"


@pytest.fixture
def arrays(tmp_path):
    """Real digits as .npy files, which are memory-mapped."""
    folder = tmp_path / "arrays"
    folder.mkdir()
    for split in ("train", "test"):
        part = Digits().load(split, None)
        np.save(folder / f"x_{split}.npy", part.inputs)
        np.save(folder / f"y_{split}.npy", part.targets)
    return folder


@pytest.fixture
def recipe_of(tmp_path):
    """A function that writes a recipe for a data folder."""

    def write(folder):
        source, resize, units = f"{{arrays: {{directory: {folder}, classes: 10}}}}", "", 10
        if folder.name == "photos":
            source = f"{{image_folder: {{directory: {folder}, channels: 1}}}}"
            resize, units = "resize: {height: 8, width: 8}", 2
        path = tmp_path / "fragile.yaml"
        path.write_text(RECIPE.format(source=source, resize=resize, units=units))
        return path

    return write


def contents(folder):
    """Every file below a folder with its bytes; locks are no content."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def history(run):
    """The history's lines without times."""
    return [line.rsplit(",", 1)[0] for line in (run.path / "history.csv").read_text().splitlines()]


def test_a_runs_folder_that_may_not_be_written(dlkit, denied, tmp_path):
    runs = tmp_path / "runs"
    runs.mkdir()
    denied(runs, 0o555)
    code, lines = dlkit("train", "digits_mlp", "--runs-dir", runs)
    assert code == 3
    assert lines == [
        f"error: cannot write {runs / 'digits_mlp'}: Permission denied",
        "  change the permissions, or choose another location",
    ]
    assert list(runs.iterdir()) == []


def test_a_runs_folder_that_may_not_be_read(dlkit, denied, tmp_path, trained_run):
    runs = shutil.copytree(trained_run.path.parent, tmp_path / "runs" / "digits_mlp").parent
    denied(runs)
    code, lines = dlkit("evaluate", "digits_mlp", "--runs-dir", runs)
    assert code == 3
    assert lines == [f"error: {runs}: Permission denied", "  check that it exists and that you have permission"]


@pytest.mark.parametrize("name", ["last.keras", "data.json", "environment.json", "resolved.yaml"])
def test_a_file_of_a_run_that_may_not_be_read(dlkit, denied, tmp_path, trained_run, name):
    run = shutil.copytree(trained_run.path, tmp_path / "digits_mlp" / "run")
    before = contents(run)
    denied(run / name)
    code, lines = dlkit("evaluate", run)
    assert code == 3
    assert lines[0] == f"error: {run / name}: Permission denied"
    (run / name).chmod(0o644)
    assert contents(run) == before


def test_a_finished_run_that_may_not_be_written_keeps_what_it_has(dlkit, denied, tmp_path, trained_run):
    run = shutil.copytree(trained_run.path, tmp_path / "digits_mlp" / "run")
    before = contents(run)
    denied(run, 0o555)
    code, lines = dlkit("evaluate", run)
    assert code == 3
    assert lines[0].startswith(f"error: cannot write {run}/")
    assert lines[0].endswith("Permission denied")
    assert contents(run) == before


@pytest.mark.parametrize("name", ["0/7.png", "1", "."])
def test_pictures_that_may_not_be_read(dlkit, denied, pictures, recipe_of, tmp_path, name):
    recipe = recipe_of(pictures)
    denied(pictures / name)
    code, lines = dlkit("train", recipe, "--runs-dir", tmp_path / "runs")
    assert code == 3
    assert lines[0].endswith(f"{pictures / name}: Permission denied")
    assert lines[1] == "  check that it exists and that you have permission"
    assert not (tmp_path / "runs").exists()


def test_arrays_that_may_not_be_read(dlkit, denied, arrays, recipe_of, tmp_path):
    denied(arrays / "x_train.npy")
    code, lines = dlkit("train", recipe_of(arrays), "--runs-dir", tmp_path / "runs")
    assert code == 3
    assert lines[0].endswith(f"{arrays / 'x_train.npy'}: Permission denied")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("kind", ["pictures", "arrays"])
def test_data_that_is_gone_after_training(dlkit, recipe_of, tmp_path, request, kind):
    folder, runs = request.getfixturevalue(kind), tmp_path / "runs"
    recipe = recipe_of(folder)
    assert dlkit("train", recipe, "--runs-dir", runs)[0] == 0
    folder.rename(tmp_path / "unplugged")
    before = contents(runs)
    code, lines = dlkit("evaluate", "--runs-dir", runs, "--split", "test")
    assert code == 3
    assert "resolved.yaml:" in lines[0]
    assert f"no such f{'older' if kind == 'pictures' else 'ile'}: {folder}" in lines[0]
    assert "give" in lines[1]
    (run,) = list_runs(runs)
    (run / "metrics.json").unlink()  # as if it had been killed before its end
    del before[f"{(run / 'metrics.json').relative_to(runs)}"]
    code, lines = dlkit("train", recipe, "--resume", "--runs-dir", runs)
    assert code == 3
    assert f"no such f{'older' if kind == 'pictures' else 'ile'}: {folder}" in lines[0]
    assert contents(runs) == before
    (tmp_path / "unplugged").rename(folder)
    assert dlkit("train", recipe, "--resume", "--runs-dir", runs)[0] == 0


@pytest.mark.parametrize("kind", ["pictures", "arrays"])
def test_data_that_goes_while_training_is_not_missed(dlkit, recipe_of, tmp_path, request, kind, silent):
    """What has been opened stays readable: the run ends as if the data were still there."""
    folder = request.getfixturevalue(kind)
    loaded = load_recipe(recipe_of(folder))
    undisturbed = train_recipe(loaded, tmp_path / "calm", silent()).run

    class Unplugging(silent):
        def begin(self, epoch, steps_done, steps):
            if epoch == 1:
                folder.rename(tmp_path / "aside")
                shutil.rmtree(tmp_path / "aside")

    run = train_recipe(loaded, tmp_path / "runs", Unplugging()).run
    assert not folder.exists()
    assert history(run) == history(undisturbed)
    assert len(history(run)) == 1 + 3


def test_two_processes_on_one_run(dlkit, tmp_path):
    endless = ("--set", "training.epochs=100000", "--set", "data.validation=none")
    command = [sys.executable, "-m", "dlkit", "train", "digits_mlp", *endless, "--runs-dir", str(tmp_path)]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert any(text.startswith("epoch 0/100000") for text in first.stderr)
        run = find_run("digits_mlp", tmp_path)
        code, lines = dlkit("train", "digits_mlp", "--resume", *endless, "--runs-dir", tmp_path)
        assert code == 2
        assert lines == [f"error: another process is using {run.path}", "  wait for it, or stop it first"]
        assert dlkit("runs", "rm", run.path) == (code, lines)
        code, lines = dlkit("evaluate", run.path)
        assert code == 3
        assert lines[0] == f"error: {run.path} has no checkpoint yet: its training has not finished"
        assert first.poll() is None
    finally:
        first.send_signal(signal.SIGTERM)
        _, errors = first.communicate(timeout=180)
    assert first.returncode == 130
    assert f"--resume --run {run.path}" in errors
    assert list(tmp_path.rglob(".writing-*")) == []


def test_without_a_temporary_folder_the_message_says_so(dlkit, trained_run, monkeypatch, tmp_path):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "nowhere")])
    code, (message, hint) = dlkit("export", trained_run.path)
    assert code == 3
    assert message.startswith("error: No usable temporary directory found")
    assert hint == "  set TMPDIR to a folder that can be written to"
