"""Trainings in several processes: the same bits, kills, the cost of shards, speed, and how soon a loss is noticed.

python benchmarks/processes.py bits [RECIPE...] | kills [COUNT [SEED]] | cost | speed | detection

bits: recipes of tests/training/crash with four shards on 1, 2 and 4 processes. kills: a random process is killed at a
random moment, and the run continued on another number of processes; the result is compared with an undisturbed one.
cost: the step of cifar_cnn with four shards and without, in one process, interleaved. speed: 2 processes of one thread
against one process of one and of two threads. detection: seconds from a process's end to that of the command.
"""

import csv
import hashlib
import io
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import h5py
import psutil

ROOT = Path(__file__).parents[1]
CRASH = ROOT / "tests" / "training" / "crash"
SHARDED = ("cnn", "averaged", "phases", "mixed", "muon", "mlp")
DLKIT = (sys.executable, "-m", "dlkit")

sys.path[:0] = [str(CRASH), str(ROOT / "benchmarks")]
from prepare import prepared
from scaling import namespaces
from scaling import run as run_command


def command(recipe, folder, *more):
    """The command that trains a recipe with four shards into a folder of runs."""
    return [*DLKIT, "train", str(recipe), "--runs-dir", str(folder), "--json", "--set", "training.shards=4", *more]


def trained(arguments):
    """Train to the end; return the run's directory and what determines its weights and metrics as one digest."""
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    run = Path(json.loads(done.stdout)["run"])
    return run, digest(run)


def digest(run):
    """The SHA-256 of what training decides: weights, optimizer state and history, times aside."""
    return hashlib.sha256(json.dumps(digests(run)).encode()).hexdigest()


def digests(run):
    """The SHA-256 of each array in last.keras and best.keras, and the rows of the history without their times."""
    with (run / "history.csv").open() as stream:
        found = {"history.csv": [{key: row[key] for key in row if key != "seconds"} for row in csv.DictReader(stream)]}
    for name in ("last.keras", "best.keras"):
        with zipfile.ZipFile(run / name) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
            arrays = {}
            file.visititems(lambda key, item, to=arrays: to.update({key: item}) if hasattr(item, "dtype") else None)
            found |= {f"{name}:{key}": hashlib.sha256(item[()].tobytes()).hexdigest() for key, item in arrays.items()}
    return found


def bits(*names):
    """Print the digest of each recipe on 1, 2 and 4 processes."""
    different = 0
    for name in names or SHARDED:
        with tempfile.TemporaryDirectory() as folder:
            recipe = prepared(CRASH / "recipes" / f"{name}.yaml", Path(folder))
            digests = [trained(command(recipe, folder, "--processes", str(n)))[1] for n in (1, 2, 4)]
        different += len(set(digests)) > 1
        print(f"{name:<10} {' '.join(value[:12] for value in digests)}", flush=True)
    return bool(different)


def kills(count="20", seed="3"):
    """Kill a random process of a training again and again; compare what comes out."""
    rng, done, compared, faults = random.Random(int(seed)), 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        recipe = prepared(CRASH / "recipes" / "cnn.yaml", Path(folder))
        started = time.monotonic()
        calm, _ = trained(command(recipe, Path(folder) / "calm", "--processes", "2"))
        expected = digests(calm)
        longest, runs = time.monotonic() - started, Path(folder) / "shaken0"
        while True:
            resume = ["--resume"] if list(runs.glob("*/*/resolved.yaml")) else []
            processes = rng.choice((2, 4))
            more = command(recipe, runs, "--processes", str(processes), *resume)
            process = subprocess.Popen(more, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            workers = []
            if done < int(count):
                time.sleep(rng.uniform(0.3, 1) * longest)
                workers = killed(process, rng)
                done += bool(workers)
            _, error = process.communicate()
            psutil.wait_procs(workers)  # of a killed watcher, they save and end by themselves
            print(f"{done:>3} kills, exit code {process.returncode} on {processes}", flush=True)
            assert process.returncode in (0, 3, -signal.SIGKILL), error
            for metrics in runs.glob("*/*/metrics.json"):  # it has finished
                found = digests(metrics.parent)
                different = [name for name in {*found, *expected} if found.get(name) != expected.get(name)]
                if different:
                    print(f"different: {', '.join(different)}", flush=True)
                compared, faults, runs = compared + 1, faults + bool(different), Path(folder) / f"shaken{compared + 1}"
                if done >= int(count):
                    print(f"{done} kills, {compared} trainings compared, {faults} differences")
                    return bool(faults)


def killed(process, rng):
    """Kill one of a command's processes, or the one that watches them; return them, none if all had ended."""
    try:
        watcher = psutil.Process(process.pid)
        workers = watcher.children()
        rng.choice([watcher, *workers]).kill()
    except psutil.NoSuchProcess:
        return []
    return workers


STEP = """
import statistics, sys, time
from dlkit.machine.tensorflow import start_tensorflow
from dlkit.recipe import load_recipe
shards, rounds = int(sys.argv[1]), int(sys.argv[2])
loaded = load_recipe("cifar_cnn", [f"training.shards={shards}", "data.limit=2560", "expect={}"])
start_tensorflow(shards > 1)
from dlkit.interfaces.reporter import Reporter
from dlkit.training.loop import Training
from dlkit.training.prepare import prepare
training = Training(loaded.recipe, prepare(loaded), Reporter())
training.start()
steps = training.steps
stream = steps.stream(0, 100000)
steps.take(stream, 3, fresh=True)
print("ready", flush=True)
for line in sys.stdin:
    started = time.perf_counter()
    steps.take(stream, 5)
    print((time.perf_counter() - started) / 5, flush=True)
"""


def cost(rounds="15"):
    """Print the time of a step of cifar_cnn with four shards relative to that without, in one process each."""
    going = {
        shards: subprocess.Popen(
            [sys.executable, "-c", STEP, str(shards), rounds], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for shards in (1, 4)
    }
    for process in going.values():
        assert process.stdout.readline() == "ready\n"
    seconds = {shards: [] for shards in going}
    for _ in range(int(rounds)):
        for shards, process in going.items():
            print("go", file=process.stdin, flush=True)
            seconds[shards].append(float(process.stdout.readline()))
    for process in going.values():
        process.stdin.close()
        process.wait()
    ratios = sorted(cut / whole for whole, cut in zip(seconds[1], seconds[4], strict=True))
    print(
        f"a step of cifar_cnn, four shards / whole: {statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"
    )


def speed(rounds="3"):
    """Print epochs of cifar_cnn with four shards: 2 processes of one thread, 1 of one thread, 1 of two threads."""
    ways = {"2 processes": (2, 2), "1 process, 1 thread": (1, 1), "1 process, 2 threads": (1, 2)}
    seconds = {name: [] for name in ways}
    for _ in range(int(rounds)):
        for name, (processes, threads) in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                more = ("--processes", str(processes), "--threads", str(threads))
                sizes = ("--set", "data.limit=5120", "--set", "training.epochs=3", "--set", "expect={}")
                run, _ = trained(command("cifar_cnn", folder, *more, *sizes))
                rows = (run / "history.csv").read_text().splitlines()
                seconds[name].append(float(rows[-1].split(",")[-1]))
    base = statistics.median(seconds["1 process, 1 thread"])
    for name, values in seconds.items():
        print(f"{name:<22} {statistics.median(values) / base:.2f} of the time of one thread", flush=True)


def detection():
    """Print the seconds from the loss of a process to the end of the command, by the kind of loss; needs root."""
    for kind, lose in (("killed", signal.SIGKILL), ("stopped", signal.SIGSTOP)):
        with tempfile.TemporaryDirectory() as folder:
            process = endless(folder, "--processes", "2")
            os.kill(psutil.Process(process.pid).children()[1].pid, lose)
            ended(kind, process)
    with tempfile.TemporaryDirectory() as folder, namespaces(2, None) as prefixes:
        place = ("--cluster", "10.77.0.1:7788,10.77.0.2:7788", "--index")
        other = endless(None, *place, "1", prefix=prefixes[1], folder=folder)
        process = endless(folder, *place, "0", prefix=prefixes[0])
        run_command("ip", "-n", "dlkit1", "link", "set", "eth0", "down")
        ended("cut off", process)
        ended("  the other", other)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "runs").mkdir()
        run_command("mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", f"{folder}/runs")
        try:
            process = endless(folder, "--processes", "2")
            with suppress(OSError), (Path(folder) / "runs" / "rest").open("wb") as rest:
                while rest.write(bytes(1 << 12)):
                    rest.flush()
            ended("full disk", process)
        finally:
            run_command("umount", f"{folder}/runs")


def endless(shown, *more, prefix=(), folder=None):
    """Start a training without end; if `shown`, wait until its first epoch is written there."""
    folder = Path(shown or folder)
    recipe = prepared(CRASH / "recipes" / "cnn.yaml", folder)
    words = [*prefix, *command(recipe, folder / "runs", "--set", "training.epochs=100000", *more)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while shown and not list(folder.glob("runs/*/*/history.csv")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.2)
    return process


def ended(kind, process):
    """Wait for the end of a process; print how long it took and what it said."""
    started = time.monotonic()
    _, error = process.communicate()
    last = [line for line in error.splitlines() if line.startswith("error")]
    print(f"{kind:<12} {time.monotonic() - started:5.1f} s, exit code {process.returncode}: {last}", flush=True)


if __name__ == "__main__":
    sys.exit(
        {"bits": bits, "kills": kills, "cost": cost, "speed": speed, "detection": detection}[sys.argv[1]](*sys.argv[2:])
    )
