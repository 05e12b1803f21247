"""The time of a step by processes, bytes and bandwidth, measured in network namespaces: python benchmarks/scaling.py.

Needs root: every process gets a namespace of its own, joined by a bridge, with a token bucket at both ends of its link.
Fits step = computing / processes + (processes - 1) x (fixed + bytes x (copying + overhead x 8 / bandwidth)), the gather
of a ring, by relative errors, and predicts others.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

RECIPE = """
recipe: 1
name: scaled
task: classification
data: {{source: digits, validation: none, preprocess: [Rescaling: {{scale: 1/255}}, Flatten]}}
model:
  sequential:
    layers: [Dense: {{units: {units}, activation: relu}}, Dense: {{units: {units}, activation: relu}},
             Dense: {{units: 10, activation: softmax}}]
training: {{batch_size: 64, epochs: 4, shards: 4, optimizer: {{SGD: {{learning_rate: 0.01}}}}}}
"""
SIZES = (100, 1000)
STEPS = 23  # of 1,438 examples in batches of 64


def parameters(units):
    """The parameters of the recipe's network."""
    return 64 * units + units + units * units + units + units * 10 + 10


def run(*words):
    """Run a command to its end; it must succeed."""
    subprocess.run(words, check=True, capture_output=True)


@contextmanager
def namespaces(count, rate):
    """Give the commands that start a program in each of `count` namespaces, whose links carry `rate` (as of tc)."""
    names = [f"dlkit{number}" for number in range(count)]
    try:
        run("ip", "link", "add", "dlkitbr", "type", "bridge")
        run("ip", "link", "set", "dlkitbr", "up")
        for number, name in enumerate(names):
            run("ip", "netns", "add", name)
            run("ip", "link", "add", f"{name}o", "type", "veth", "peer", "name", "eth0", "netns", name)
            run("ip", "link", "set", f"{name}o", "master", "dlkitbr", "up")
            run("ip", "-n", name, "addr", "add", f"10.77.0.{number + 1}/24", "dev", "eth0")
            for link in ("lo", "eth0"):
                run("ip", "-n", name, "link", "set", link, "up")
            if rate:
                bucket = ("root", "tbf", "rate", rate, "burst", "256kb", "latency", "400ms")
                run("tc", "qdisc", "add", "dev", f"{name}o", *bucket)
                run("tc", "-n", name, "qdisc", "add", "dev", "eth0", *bucket)
        yield [["ip", "netns", "exec", name] for name in names]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", "dlkitbr"], capture_output=True, check=False)


def step_seconds(count, units, joined):
    """The median time of a step, of the epochs after the first, with `count` processes of one thread.

    joined: gives the commands that start a program in each of so many namespaces.
    """
    with tempfile.TemporaryDirectory() as folder, joined(count) as prefixes:
        recipe = Path(folder) / "scaled.yaml"
        recipe.write_text(RECIPE.format(units=units))
        hosts = ",".join(f"10.77.0.{number + 1}:7788" for number in range(count))
        going = []
        for index, prefix in enumerate(prefixes):
            place = ["--cluster", hosts, "--index", str(index)] if count > 1 else []
            words = [*prefix, sys.executable, "-m", "dlkit", "train", str(recipe), "--threads", "1", "--json", *place]
            going.append(
                subprocess.Popen(
                    [*words, "--runs-dir", folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
                )
            )
        output, *_ = [process.communicate()[0] for process in going]
        lines = (Path(json.loads(output)["run"]) / "history.csv").read_text().splitlines()
    return statistics.median(float(line.split(",")[-1]) for line in lines[2:]) / STEPS


def main():
    """Measure, fit and predict."""
    alone = {units: step_seconds(1, units, partial(namespaces, rate=None)) for units in SIZES}
    print("seconds of a step alone:", {units: round(value, 4) for units, value in alone.items()}, flush=True)
    rows = []
    for rate, bits in (("100mbit", 1e8), ("1gbit", 1e9), (None, float("inf"))):
        for count in (2, 4):
            for units in SIZES[1 if rate else 0 :]:  # a small vector fits into the bucket
                seconds = step_seconds(count, units, partial(namespaces, rate=rate))
                rows.append((count, bits, units, seconds))
                print(
                    f"{count} processes, {rate or 'no limit':>8}, {parameters(units):>9,} parameters: {seconds:.4f} s",
                    flush=True,
                )
    fixed, copying, overhead = fitted(rows, alone)
    for bandwidth in (1e9, 1e10, 1e11):
        for count in (8, 64, 512):
            exchange = (count - 1) * (fixed + 4 * 1_345_066 * (copying + overhead * 8 / bandwidth))
            print(f"cifar_cnn, {bandwidth / 1e9:.0f} Gbit/s, {count} machines: exchange {exchange:.2f} s a step")


def fitted(rows, alone):
    """Return the three constants of the formula; print them, and the largest relative error."""
    turns = np.array([count - 1 for count, *_ in rows])
    size = np.array([4 * parameters(units) for _, _, units, _ in rows])
    bits = np.array([bandwidth for _, bandwidth, *_ in rows])
    measured = np.array([seconds for *_, seconds in rows])
    # Two cores: four processes of one thread share them.
    computing = np.array([alone[units] / min(count, 2) for count, _, units, _ in rows])
    terms = turns * np.stack([np.ones(len(rows)), size, size * 8 / bits])
    found, *_ = np.linalg.lstsq((terms / measured).T, 1 - computing / measured, rcond=None)
    fixed, copying, overhead = map(float, found)
    print(f"fixed {1000 * fixed:.1f} ms, copying {1e9 * copying:.1f} ns a byte, {overhead:.2f} x bits / bandwidth")
    error = np.abs((found @ terms + computing) / measured - 1).max()
    print(f"largest deviation of the fit: {error:.0%}")
    return fixed, copying, overhead


if __name__ == "__main__":
    main()
