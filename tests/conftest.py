"""What the tests share: caches and runs of their own, a quiet TensorFlow, and one trained run on real digits."""

import gc
import json
import os
import re
import runpy
import shlex
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from unittest.mock import MagicMock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest

from dlkit.interfaces.reporter import Reporter

gc.disable()  # while the tests' modules are imported, which all stay


def pytest_collection_finish():
    """Keep what has been imported out of every later search for unreachable objects."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def places(tmp_path_factory):
    """A cache and a runs folder for this session, so that nothing of the user's is touched."""
    root = tmp_path_factory.mktemp("places")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLKIT_CACHE", str(root / "cache"))
        patch.setenv("DLKIT_RUNS", str(root / "runs"))
        patch.setenv("TFDS_DATA_DIR", os.environ.get("TFDS_DATA_DIR", str(root / "tfds")))
        yield root


@pytest.fixture(scope="session", autouse=True)
def dots():
    """Save the figures of runs as single pixels: to draw them takes as long as a small training.

    Their functions run all the same; a test that opens the files takes the fixture `drawn`.
    """
    from PIL import Image

    def save(figure, path, about):
        Image.new("L", (1, 1)).save(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dlkit.runs.figures.save", save)
        yield


@pytest.fixture(scope="session")
def drawing():
    """A context in which the figures of runs are saved as they are."""
    from dlkit.figures.style import save

    @contextmanager
    def as_they_are():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("dlkit.runs.figures.save", save)
            yield

    return as_they_are


@pytest.fixture
def drawn(drawing):
    """Save the figures of runs as they are throughout a test."""
    with drawing():
        yield


@pytest.fixture(autouse=True)
def full_precision():
    """Put back Keras' global precision, which a recipe may change."""
    yield
    if "keras" in sys.modules:
        from dlkit.model.build import set_precision

        set_precision("float32")


class Silent(Reporter):
    """A reporter that only counts."""

    def __init__(self):
        self.rows = []

    def epoch_done(self, epoch, row):
        self.rows.append(row)


@pytest.fixture(scope="session")
def silent():
    """The class of reporters that only count."""
    return Silent


@pytest.fixture
def reporter(silent):
    return silent()


@pytest.fixture(scope="session")
def trained_run(places):
    """A finished run of digits_mlp, three epochs."""
    from dlkit.recipe import load_recipe
    from dlkit.training.run import train_recipe

    loaded = load_recipe("digits_mlp", ["training.epochs=3"])
    return train_recipe(loaded, places / "runs", Silent()).run


TINY_CNN = Path(__file__).parent / "plots" / "tiny_cnn.yaml"


@pytest.fixture(scope="session")
def tiny_run(places):
    """A finished run of a small convolutional network on 400 digits."""
    from dlkit.recipe import load_recipe
    from dlkit.training.run import train_recipe

    return train_recipe(load_recipe(TINY_CNN), places / "runs", Silent()).run


@pytest.fixture(scope="session")
def tiny(tiny_run):
    """That run, opened."""
    from dlkit.model.trained import open_run

    return open_run(tiny_run)


@pytest.fixture(scope="session")
def tiny_recipe():
    """The path of its recipe."""
    return TINY_CNN


@pytest.fixture(scope="session")
def exported_run(trained_run, places):
    """The SavedModel of that run and its certificate; tests change copies."""
    from dlkit.export.export import export
    from dlkit.model.trained import open_run

    return export(open_run(trained_run), "saved_model", places / "exports")


@pytest.fixture
def reload_here(monkeypatch):
    """Run the readers of artefacts in this process: the same answers without another start of TensorFlow."""
    from dlkit.export.reader import Reader

    def start(reader, command):
        import tensorflow as tf

        package = sys.modules["dlkit"]
        monkeypatch.setattr(tf.config, "threading", MagicMock())  # TensorFlow has started
        try:
            reader.handle = runpy.run_path(command[2])["serve"](*command[3:])
        finally:
            sys.modules["dlkit"] = package  # the reader hides it
        return MagicMock()

    monkeypatch.setattr(Reader, "_start", start)
    monkeypatch.setattr(Reader, "_reply", lambda reader: {})
    monkeypatch.setattr(Reader, "_order", lambda reader, order: reader.handle(order))


@pytest.fixture(scope="session")
def chromium():
    """The path of this system's Chromium; .ci/run installs one where it can."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("this system has no Chromium")
    return found


@pytest.fixture
def stopped(monkeypatch):
    """Train until so many updates are done, as if interrupted then; return the unfinished run."""
    from dlkit.machine.interruption import Interrupted
    from dlkit.runs.find import find_run
    from dlkit.training.loop import Training
    from dlkit.training.run import train_recipe

    def stop(loaded, root, reporter, updates):
        monkeypatch.setattr("dlkit.training.steps.SECONDS_PER_CALL", 0.0)  # one step a call, so that it can stop at any
        plain = Training._one_epoch

        def stopping(self, epoch, stream, stop):
            report = self.reporter.progress

            def progress(epoch, done, steps, logs):
                report(epoch, done, steps, logs)
                stop.requested = stop.requested or epoch * steps + done >= updates

            monkeypatch.setattr(self.reporter, "progress", progress)
            return plain(self, epoch, stream, stop)

        with monkeypatch.context() as patch:
            patch.setattr(Training, "_one_epoch", stopping)
            with pytest.raises(Interrupted, match=f"stopped after {updates} updates"):
                train_recipe(loaded, root, reporter)
        return find_run(loaded.recipe.name, root, finished=False)

    return stop


@pytest.fixture(scope="session")
def earlier_export(trained_run, places):
    """An export as earlier versions wrote it: the class names are a text file, one per line."""
    import tensorflow as tf

    from dlkit.components.exporters.saved_model import _Served
    from dlkit.export.export import export
    from dlkit.model.trained import open_run

    file = places / "class_names.txt"

    def labelled(served, outputs):
        with tf.init_scope():
            if not hasattr(served, "labels"):
                file.write_text("".join(f"{name}\n" for name in served._model.class_names))
                line, number = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
                names = tf.lookup.TextFileInitializer(str(file), tf.int64, number, tf.string, line)
                served.labels = tf.lookup.StaticHashTable(names, default_value="")
        return outputs | {"label": served.labels.lookup(tf.argmax(outputs["probabilities"], axis=-1))}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Served, "_labelled", labelled)
        return export(open_run(trained_run), "saved_model", places / "earlier")[0]


class Result(NamedTuple):
    """What a command line returned and printed."""

    code: int
    out: str
    error: str


@pytest.fixture
def dlkit(monkeypatch, capsys, tmp_path):
    """Run the command line with arguments in this process, in an empty folder."""
    from dlkit.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DLKIT_DEBUG", raising=False)
    monkeypatch.setenv("DLKIT_RUNS", os.environ["DLKIT_RUNS"])  # --runs-dir sets it, for this test alone

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["dlkit", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        return Result(int(stopped.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def one_after_the_other():
    """Return what a new Python runs for several command lines of dlkit: one start of TensorFlow for all of them."""
    program = """
import json, sys
from dlkit.cli import main
for words in json.loads(sys.argv[1]):
    sys.argv = ["dlkit", *words]
    try:
        main()
    except SystemExit as stopped:
        if stopped.code:
            raise
"""
    return lambda *commands: ["-c", program, json.dumps(commands)]


# Lines of the pages' shell blocks that no test runs, by their beginning, and why.
NOT_RUN = {
    "make demo": ".ci/run and the tests run the same through `dlkit demo`",
    "make test": "it runs the tests",
    "python3 -m pip": "needs a package index",
    "source .venv": "changes the shell only",
    "python benchmarks/": "a measurement of hours, with its result beside it",
    "dlkit repeat mobilenet_photos": "a measurement of hours; transfer_learning.md runs the same path",
    "dlkit train cifar_to_cifar_source": "a measurement of hours; tests/real/test_transfer.py trains it in part",
    "dlkit serve": "it serves until it is stopped; tests/serving/test_verb.py runs it",
    "dlkit train RECIPE": "a measurement of hours; tests/real/test_lecture_models.py trains the recipes in part",
    "dlkit evaluate RECIPE": "as above",
    "dlkit train cifar_cnn_fast_relu.yaml": "a measurement of hours",
    "dlkit train unet ...": "a measurement of hours",
}


@pytest.fixture(scope="session")
def page_commands():
    """Return the words of the commands in the shell blocks of a page, without those that no test runs."""

    def commands(page):
        text = (Path(__file__).parent.parent / page).read_text(encoding="utf-8")
        blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        lines = [line for block in blocks for line in block.splitlines() if not line.startswith(tuple(NOT_RUN))]
        return [shlex.split(line, comments=True) for line in lines]

    return commands
