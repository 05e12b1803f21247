"""Measure memory and scaling: python benchmarks/memory.py [cifar] [folder] [records] [files]   (default: all).

cifar: peak memory of a process that trains cifar_cnn, compared with one that keeps the uint8 images in memory and
trains the same network with `train_on_batch`, always on the same batch.
folder: an image folder whose decoded pixels take ten times the memory that training may use beyond TensorFlow's own.
records, files: throughput of the input pipeline by the number of records in memory and of images in a folder.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

PEAK = "import resource; print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)"
TENSORFLOW = f"""
from dlkit.machine.tensorflow import start_tensorflow
start_tensorflow()
import numpy as np
from dlkit.model.build import build_model
from dlkit.model.compile import compile_model
from dlkit.data.source import build_dataset, describe
from dlkit.recipe import load_recipe
data = np.ones((50_000, 32, 32, 3), np.uint8)
recipe = load_recipe("cifar_cnn").recipe
network = compile_model(build_model(recipe, describe(recipe, build_dataset(recipe))), recipe)
for _ in range(20):
    network.train_on_batch(data[:128] / np.float32(255), np.eye(10, dtype="float32")[np.arange(128) % 10])
{PEAK}
"""
CIFAR = f"""
from dlkit.machine.tensorflow import start_tensorflow
start_tensorflow()
from dlkit.recipe import load_recipe
from dlkit.interfaces.reporter import Reporter
from dlkit.training.loop import Training
from dlkit.training.prepare import prepare
loaded = load_recipe("cifar_cnn")
training = Training(loaded.recipe, prepare(loaded), Reporter())
training.start()
training.steps.take(training.steps.stream(0, 20), 20)
{PEAK}
"""
FOLDER = """
import resource, sys, time
import numpy as np
import psutil
from dlkit.machine.tensorflow import start_tensorflow
start_tensorflow()
import tensorflow as tf
from dlkit.recipe import load_recipe
from dlkit.interfaces.reporter import Reporter
from dlkit.training.loop import Training
from dlkit.training.prepare import prepare
directory, allowed = sys.argv[1], int(sys.argv[2])
own = lambda: psutil.Process().memory_full_info().uss
tf.random.normal((2048, 2048)) @ tf.random.normal((2048, 2048))
place = "data.source.image_folder.directory=" + directory
small = ["data.resize.height=128", "data.resize.width=128", "expect={}",
         "model={sequential: {layers: [{Conv2D: {filters: 8, kernel_size: 8, strides: 8}}, GlobalAveragePooling2D,"
         " {Dense: {units: 2, activation: softmax}}]}}"]
warm = load_recipe("image_folder_cnn", [place + "/warm", *small])
training = Training(warm.recipe, prepare(warm), Reporter())
training.start()
training.steps.take(training.steps.stream(0, 4), 4)
used = psutil.Process().memory_info().data
resource.setrlimit(resource.RLIMIT_DATA, (used + allowed, used + allowed))
loaded = load_recipe("image_folder_cnn", [place + "/large", *small])
training = Training(loaded.recipe, prepare(loaded), Reporter())
pixels = training.prepared.splits.train.inputs.nbytes + training.prepared.splits.validation.inputs.nbytes
training.start()
stream, seen = training.steps.stream(0, training.steps.per_epoch), []
for _ in range(8):
    training.steps.take(stream, training.steps.per_epoch // 8)
    seen.append(psutil.Process().memory_info().data - used)
print(f"{pixels / 1e6:,.0f} MB of pixels, {allowed / 1e6:,.0f} MB allowed beyond what TensorFlow had; "
      f"taken in MB while an epoch went by: {', '.join(f'{value / 1e6:,.0f}' for value in seen)}")
"""


def cifar() -> None:
    """Print the peak memory of training cifar_cnn as a ratio to that of TensorFlow with the uint8 data."""
    peaks = [int(_output([TENSORFLOW]).split()[-1]), int(_output([CIFAR]).split()[-1])]
    ours, least = peaks[1] / 1e6, peaks[0] / 1e6
    print(f"cifar: {ours:,.0f} MB, {ours / least:.2f} times TensorFlow and the data ({least:,.0f} MB)")


def folder(images: int = 32_000, allowed: int = 120_000_000) -> None:
    """Train a small network on images that decode to more than ten times the allowed memory."""
    with tempfile.TemporaryDirectory() as place:
        write_pictures(Path(place) / "warm", 200)
        write_pictures(Path(place) / "large", images)
        print("folder:", _output([FOLDER, place, str(allowed)]).strip().splitlines()[-1])


def write_pictures(directory: Path, count: int) -> None:
    """Write JPEG files of smooth random patterns into two class folders."""
    import numpy as np
    from PIL import Image

    draw = np.random.default_rng(0)
    patterns = [Image.fromarray(draw.integers(0, 256, (12, 12, 3), np.uint8)).resize((180, 160)) for _ in range(50)]
    for name in ("a", "b"):
        (directory / name).mkdir(parents=True)
    for index in range(count):
        patterns[index % 50].save(directory / "ab"[index % 2] / f"{index}.jpg", quality=80)


def records(counts: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)) -> None:
    """Print the examples per second that the pipeline yields, shuffled, from arrays of small records."""
    import numpy as np

    from dlkit.interfaces.data import Split

    for count in counts:
        split = Split(np.zeros((count, 64), np.uint8), np.zeros(count, np.int64))
        print(f"records: {count:9,} records   {_throughput(split):12,.0f} per second")


def files(counts: tuple[int, ...] = (1_000, 4_000, 16_000)) -> None:
    """Print the images per second that are decoded from a folder, and the examples per second from its cache."""
    import time

    from dlkit.components.datasets.image_folder import ImageFolder
    from dlkit.media.images import ImageResizer

    for count in counts:
        with tempfile.TemporaryDirectory() as place:
            write_pictures(Path(place) / "pictures", count)
            source = ImageFolder(directory=f"{place}/pictures", test_fraction=0.0)
            begun = time.perf_counter()
            split = source.load("train", ImageResizer(64, 64, "bilinear", False))
            decoded = count / (time.perf_counter() - begun)
            rate = _throughput(split)
            print(f"files: {count:7,} files   decoded {decoded:7,.0f} per second, then {rate:10,.0f} per second")


def _throughput(split: object, batch: int = 128, steps: int = 2_000) -> float:
    import time
    from types import SimpleNamespace

    from dlkit.data.pipeline import InputPipeline

    training = SimpleNamespace(batch_size=batch, seed=0, shuffle=True)
    recipe = SimpleNamespace(training=training, data=SimpleNamespace(corrupt=[], patch=None))
    batches = InputPipeline(recipe, lambda x, y: (x, y), False).train_batches(split, 0, steps)
    rates = []
    for _ in range(3):
        begun, seen = time.perf_counter(), 0
        for x, _ in batches:
            seen += len(x)
        rates.append(seen / (time.perf_counter() - begun))
    return sorted(rates)[1]


def _output(arguments: list[str]) -> str:
    done = subprocess.run([sys.executable, "-c", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return done.stdout


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as cache:
        os.environ.setdefault("DLKIT_CACHE", cache)
        for part in sys.argv[1:] or ["cifar", "folder", "records", "files"]:
            {"cifar": cifar, "folder": folder, "records": records, "files": files}[part]()
