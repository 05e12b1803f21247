"""Runs a recipe to the end undisturbed and once more with kills, and prints how the two runs compare as JSON.

python harness.py RECIPE FOLDER KILLS SEED
"""

import csv
import io
import json
import os
import random
import signal
import sys
import time
import traceback
import zipfile
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"

import h5py
import keras  # noqa: F401  imported, but not used before the forks
import numpy as np
import tensorflow as tf  # noqa: F401
from prepare import prepared

import dlkit.cli.evaluate
import dlkit.cli.export
import dlkit.cli.train
import dlkit.evaluation.evaluate
import dlkit.export.export
import dlkit.training.run
from dlkit.errors import ExitCode
from dlkit.runs.find import find_run, list_runs

STAGES = ("train", "evaluate", "export")


def child(*arguments):
    """Fork a process that runs one dlkit command; gives its number."""
    number = os.fork()
    if number:
        return number
    code = 70
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.argv = ["dlkit", *map(str, arguments)]
        dlkit.cli.main()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def finish(number):
    """Wait for a child; its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def command(stage, recipe, runs, resume):
    """The arguments of a stage."""
    if stage != "train":
        return (stage, recipe.stem, "--runs-dir", runs, *(("--split", "validation") if stage == "evaluate" else ()))
    return ("train", recipe, "--runs-dir", runs, *(("--resume",) if resume else ()))


def undisturbed(recipe, runs):
    """Seconds that each stage takes when nobody kills it."""
    seconds = {}
    for stage in STAGES:
        started = time.monotonic()
        code = finish(child(*command(stage, recipe, runs, resume=False)))
        assert code == 0, f"{stage} ended with {code}"
        seconds[stage] = time.monotonic() - started
    return seconds


def attempts(stage, kills, recipe, runs, longest, rng):
    """Begin a stage again and again, killing it `kills` times; then let it finish."""
    done = 0
    while True:
        resume = stage == "train" and any(not (run / "metrics.json").exists() for run in list_runs(runs))
        if stage == "train" and not resume and list_runs(runs):
            return done  # it finished before the kill came
        number = child(*command(stage, recipe, runs, resume))
        if done < kills:
            time.sleep(rng.uniform(0.0, longest))
            os.kill(number, signal.SIGTERM if rng.random() < 0.25 else signal.SIGKILL)
        code = finish(number)
        if done >= kills:
            assert code == 0, f"{stage} ended with {code}"
            return done
        assert code in (-signal.SIGKILL, -signal.SIGTERM, ExitCode.INTERRUPTED, 0), f"{stage} ended with {code}"
        done += code != 0


def state(path):
    """Everything in a .keras file that training decides: weights, optimizer and history, times aside."""
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        found = {}
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def history(run):
    """The rows of history.csv without times."""
    with (run / "history.csv").open() as stream:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(stream)]


def differences(first, second):
    """What differs between two finished runs."""
    found = [] if history(first) == history(second) else ["history.csv"]
    for name in ("last.keras", "best.keras"):
        one, other = state(first / name), state(second / name)
        found += [name] if one.keys() != other.keys() else []
        found += [f"{name}:{key}" for key in one if not np.array_equal(one[key], other.get(key))]
    one, other = (json.loads((run / "metrics.json").read_text()) for run in (first, second))
    return found + [key for key in one if one[key] != other.get(key)]


def main(recipe, folder, kills, seed):
    """Compare and print."""
    folder, kills, rng = Path(folder), int(kills), random.Random(int(seed))
    recipe = prepared(Path(recipe), folder)
    os.chdir(folder)  # where the recipes' data files are
    seconds = undisturbed(recipe, folder / "calm")
    share = {"train": kills - 2 * (kills // 5), "evaluate": kills // 5, "export": kills // 5}
    done = 0
    while done < kills:  # a training that finishes before its kill is begun anew
        shaken = folder / f"shaken{done}"
        for stage in STAGES:
            wanted = min(share[stage], kills - done) if stage != "train" else share[stage]
            done += attempts(stage, wanted, recipe, shaken, seconds[stage], rng)
    calm_run, shaken_run = (find_run(recipe.stem, runs).path for runs in (folder / "calm", shaken))
    certificate = next((shaken_run / "exports").rglob("certificate.json"))
    left = [str(path) for path in shaken.rglob(".writing-*")]
    result = {
        "kills": done,
        "differences": differences(calm_run, shaken_run),
        "left_over": left,
        "certificate": json.loads(certificate.read_text())["passed"],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
