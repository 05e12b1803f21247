"""Kill a search again and again, and compare what it finds with an undisturbed one: python benchmarks/search.py RECIPE.

python benchmarks/search.py RECIPE [KILLS] [--alone]    (10 kills by default; --alone: no undisturbed search beside it)

One worker; it and the trial's training are killed at random moments, and started again. No trial may be lost or counted
twice, and with the same seed the best settings must be the same. Also prints the processor time of the search, and the
memory of the worker that finishes, minute by minute.
"""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def searched(recipe, runs, kills, between):
    """Search to the end with `kills` kills, about `between` seconds apart; return the result as JSON."""
    rng, done = random.Random(7), 0
    while True:
        words = [sys.executable, "-m", "dlkit", "search", recipe, "--runs-dir", str(runs), "--json"]
        worker = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
        )
        try:
            if done < kills:
                output, _ = worker.communicate(timeout=rng.uniform(0.3, 1.7) * between)
            else:
                output = watched(worker)
        except subprocess.TimeoutExpired:
            killed = [worker.pid, *children(worker.pid)]
            for number in killed:
                os.kill(number, signal.SIGKILL)
            worker.wait()
            done += 1
            print(f"kill {done} of {len(killed)} processes", flush=True)
            continue
        assert worker.returncode == 0, worker.returncode
        return json.loads(output)


def watched(worker):
    """The output of a worker that runs to its end; print its memory each minute."""
    import psutil

    process, sizes = psutil.Process(worker.pid), []
    while True:
        try:
            output, _ = worker.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            sizes.append(process.memory_info().rss / 1e6)
            continue
        print(f"memory of the worker each minute: {', '.join(f'{size:.1f}' for size in sizes)} MB")
        return output


def children(number):
    """The processes that a process has started, and those that they have."""
    import psutil

    return [child.pid for child in psutil.Process(number).children(recursive=True)]


def main(recipe, kills="10", *options):
    """Search with kills, and without unless told otherwise; print and compare."""
    found = {}
    for name, count in [("killed", int(kills))] + [("undisturbed", 0)] * ("--alone" not in options):
        with tempfile.TemporaryDirectory() as folder:
            began, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            result = searched(recipe, Path(folder), count, float(os.environ.get("BETWEEN", "120")))
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = used.ru_utime + used.ru_stime - began.ru_utime - began.ru_stime
        numbers = [trial["number"] for trial in result["trials"]]
        assert numbers == list(range(len(numbers))), numbers
        states = [trial["state"] for trial in result["trials"]]
        found[name] = result["best"]
        best = {key: result["best"][key] for key in ("number", "value", "parameters")}
        reasons = [trial["failed"] for trial in result["trials"] if trial["state"] == "fail"]
        print(*reasons, sep="\n", end="\n" * bool(reasons))
        print(f"{name}: {len(numbers)} trials, {[(state, states.count(state)) for state in sorted(set(states))]}")
        print(f"  {time.monotonic() - started:.0f} s, {spent:.0f} s of processor time; best {best}", flush=True)
    values = [(best["number"], best["value"], best["parameters"]) for best in found.values()]
    return any(value != values[0] for value in values)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
