"""The pages of docs/, command by command, as a reader would run them: at 80 columns, with real pictures and data.

guide.md, json.md, segmentation.md, autoencoders.md, scaling.md, search.md, threat_model.md, and what results.md lets
one run in minutes.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("DLKIT_SHARED", "."))
SHORT = {
    "unet": ["training.epochs=1"],
    "mnist_mlp": ["training.epochs=1"],
    "pets.yaml": ["training.epochs=2"],
    "ae_denoising": ["training.epochs=1", "data.limit=2000"],
    "ae_simple": ["training.epochs=1", "data.limit=2000"],
}
SEVERAL = {"repeat", "sweep", "crossval"}  # each trains several times
FEWER = {"--seeds": "2", "--folds": "2"}

# Options that hold for a whole process, or whose processes read its command line.
OF_A_PROCESS = {"--processes", "--cluster", "--threads", "--deterministic"}


@pytest.fixture
def reader(dlkit, monkeypatch, tmp_path):
    """Run the words of a command in an empty folder of a reader, with short trainings of what takes long."""
    for name, value in {"COLUMNS": "80", "DLKIT_RUNS": "", "PYTHONPATH": str(ROOT)}.items():
        monkeypatch.setenv(name, value)

    def run(program, *words):
        assert program == "dlkit"
        words = [word.replace("PATH", str(SHARED / "data/isbi2012/train")) for word in words]
        if words[0] in ("train", "repeat") and words[1] in SHORT:
            words += [word for setting in SHORT[words[1]] for word in ("--set", setting)]
        elif words[0] in SEVERAL:
            words = [FEWER.get(before, word) for before, word in zip(["", *words], words, strict=False)]
            words += [] if "training.epochs=2" in words else ["--set", "training.epochs=2"]
        if OF_A_PROCESS & {*words}:
            return in_process(words, tmp_path)
        monkeypatch.delenv("DLKIT_OFFLINE", raising=False)  # an earlier command may have set it
        done = dlkit(*words)
        assert done.code == 0, f"{words}: {done.out}{done.error}"
        return done.out

    return run


def in_process(words, folder):
    """Run a command in a process of its own; return what it prints."""
    command = [sys.executable, "-m", "dlkit", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def pictures(tmp_path, photos):
    """Forty ants and forty bees of a reader's own, in photos/."""
    for name in ("ants", "bees"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for path in sorted((photos / "train" / name).glob("*.jpg"))[:40]:
            shutil.copy(path, tmp_path / "photos" / name)
    return tmp_path / "photos"


@pytest.fixture
def digit(tmp_path):
    """A picture of a digit, and a folder with more of them."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    (tmp_path / "more_digits").mkdir()
    images = (load_digits().images * 255 / 16).astype(np.uint8)
    for name, image in zip(("digit.png", "more_digits/a.png", "more_digits/b.png"), images, strict=False):
        Image.fromarray(image).save(tmp_path / name)
    return images[:4, ..., np.newaxis]


def latest(tmp_path, recipe):
    """The latest run of a recipe."""
    return sorted((tmp_path / "saved_models" / recipe).glob("2*"))[-1]


def test_the_guide(reader, page_commands, pictures, digit, tmp_path):
    reader("dlkit", "train", "digits_mlp")  # the demo, which the README comes with
    for words in page_commands("docs/guide.md"):
        if "--resume" in words:
            (latest(tmp_path, "my_net") / "metrics.json").unlink()  # as if it had been interrupted at the end
        if "path/to/my_net/1" in words:
            words[-1] = str(next((tmp_path / "saved_models").glob("my_net/*/exports/saved_model/my_net/1")))
        printed = reader(*words)
        if words[1:3] == ["new", "my_net"]:
            text = (tmp_path / "my_net.yaml").read_text()
            text = text.partition("\nexpect:")[0].replace("units: 64", "units: 128", 1)
            (tmp_path / "my_net.yaml").write_text(text)
        if words[1] in ("list", "summary", "data", "evaluate", "doctor"):
            assert "…" not in printed, words
    check_serving(digit, tmp_path)


def check_serving(images, tmp_path):
    """Run the program of the guide that serves the export."""
    text = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    path = next((tmp_path / "saved_models").glob("my_net/*/exports/saved_model/my_net/1"))
    program = re.sub(r'"saved_models/my_net/RUN/[^"]+"', repr(str(path)), program)
    names = {"images": images}
    exec(program, names)
    assert [label.decode() for label in names["answer"]["label"].numpy()] == ["0", "1", "2", "3"]


def test_the_page_of_json(reader, page_commands, pictures, tmp_path):
    text = (ROOT / "docs/json.md").read_text(encoding="utf-8")
    examples = dict(re.findall(r"^```sh\n(.*?)\n```\n\n```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    for recipe in ("image_folder_cnn", "ae_simple"):
        reader("dlkit", "train", recipe, *(["--set", "training.epochs=1"] if recipe == "image_folder_cnn" else []))
    reader("dlkit", "new", "my_net", "--from", "digits_mlp")
    reader("dlkit", "train", "my_net.yaml", "--set", "training.epochs=2")
    for words in page_commands("docs/json.md"):
        if words[1] == "inspect":
            shutil.copy(latest(tmp_path, "digits_mlp") / "last.keras", tmp_path / "model.keras")
        printed = json.loads(reader(*words))
        example = next((json.loads(shown) for line, shown in examples.items() if line.split() == words), None)
        if isinstance(example, dict):
            assert set(example) <= set(printed), words


def test_the_page_of_formats(reader, page_commands):
    reader("dlkit", "train", "digits_mlp")
    for words in page_commands("docs/formats.md"):
        reader(*words)


def test_the_page_of_autoencoders(reader, page_commands, tmp_path):
    for words in page_commands("docs/autoencoders.md"):
        reader(*words)
    assert (tmp_path / "codes.npz").stat().st_size > 1000


def test_the_page_of_segmentation(reader, page_commands, tmp_path):
    (tmp_path / "scans").mkdir()
    for path in sorted((SHARED / "data/isbi2012/test").rglob("*.png"))[:2]:
        shutil.copy(path, tmp_path / "scans")
    for words in page_commands("docs/segmentation.md"):
        reader(*words)
    assert len(list((tmp_path / "masks").rglob("*.png"))) == 2


def test_the_threat_model(reader, page_commands, tmp_path):
    reader("dlkit", "train", "digits_mlp", "--set", "training.epochs=1")
    shutil.copy(latest(tmp_path, "digits_mlp") / "last.keras", tmp_path / "downloaded.keras")
    shutil.copytree(latest(tmp_path, "digits_mlp"), tmp_path / "a_run_from_someone")
    for words in page_commands("docs/threat_model.md"):
        reader(*words)


def test_the_commands_of_the_results_that_take_minutes(reader, page_commands):
    assert page_commands("docs/results.md") == [
        ["dlkit", "train", "unet", "--set", "data.source.image_mask_folder.directory=PATH"],
        ["dlkit", "evaluate", "unet"],
    ]  # test_the_page_of_segmentation runs both


def test_offline_with_a_prepared_folder(reader, page_commands):
    (words,) = [words for words in page_commands("README.md") if "/data/tfds" in words]
    reader(*[word.replace("/data/tfds", os.environ["TFDS_DATA_DIR"]) for word in words])


def test_processes_on_one_machine_and_on_several(page_commands, reader):
    """scaling.md; both hosts are this machine."""
    from dlkit.machine.cluster import local_clusters

    local, *hosts = page_commands("docs/scaling.md")
    reader(*local)
    addresses = ",".join(local_clusters(2)[0].hosts)
    with ThreadPoolExecutor() as pool:
        words = [[word.replace("node1:8888,node2:8888", addresses) for word in command] for command in hosts]
        first, second = pool.map(lambda command: reader(*command), words)
    assert "trained" in first
    assert not second  # the first process prints


def test_the_search_of_the_page(page_commands, reader, tmp_path):
    """search.md"""
    text = (ROOT / "docs/search.md").read_text(encoding="utf-8")
    (tmp_path / "space.yaml").write_text(re.search(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[1])
    (command,) = page_commands("docs/search.md")
    assert "4 trials: " in reader(*command, "--set", "training.epochs=2")
