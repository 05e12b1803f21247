"""Try dlkit serve with what breaks servers: python benchmarks/server_faults.py RUN [--format onnx] [--swaps 100].

RUN is a run directory with an export in that format. Two bodies of 1 GB, one declared and one in chunks; 1,000 idle
connections; and so many swaps of its version while four clients ask. Every answer is compared with the artefact's own,
and the memory of the process is printed. Exits with 1 if an answer was wrong or missing.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import requests
from server import ENVIRONMENT, expectations, export, free_port

GIGABYTE = 1_000_000_000
CLIENTS = 4


class Zeros:
    """A file of so many spaces, without any of them in memory."""

    def __init__(self, size):
        self.left = size

    def __len__(self):
        return self.left

    def read(self, size=65_536):
        size = min(size, self.left)
        self.left -= size
        return b" " * size


@contextmanager
def served(base, port, log):
    """Run dlkit serve on a folder with versions until the end of the block; yield its process."""
    words = [sys.executable, "-m", "dlkit", "serve", str(base), "--port", str(port), "--poll", "0.05"]
    process = subprocess.Popen(words, env=ENVIRONMENT, stdout=log, stderr=log)
    try:
        while True:
            try:
                if requests.get(f"http://127.0.0.1:{port}/readyz", timeout=10).ok:
                    break
            except requests.exceptions.ConnectionError:
                time.sleep(0.1)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        print(f"stopped with exit code {process.wait(60)}")


class Clients:
    """Threads that ask for the examples in turn, and compare every answer."""

    def __init__(self, url, examples, expected):
        self.url, self.examples, self.expected = url, examples, expected
        self.asked, self.wrong, self._stop = 0, [], threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, index):
        with requests.Session() as session:
            while not self._stop.is_set():
                index = (index + CLIENTS) % len(self.examples)
                self.asked += 1
                try:
                    body = {"instances": [self.examples[index].tolist()]}
                    answer = session.post(self.url, json=body, timeout=60).json()["predictions"][0]
                    if not np.allclose(answer["probabilities"], self.expected[index], atol=1e-4):
                        self.wrong.append("another answer")
                except Exception as error:  # whatever a client sees is a lost request
                    self.wrong.append(repr(error))


def swap(base, url, swaps):
    """Put versions 2, 3, ... beside the first one, each once the one before answers."""
    for version in range(2, swaps + 2):
        shutil.copytree(base / str(version - 1), base / f".{version}")
        os.rename(base / f".{version}", base / str(version))
        while True:
            states = requests.get(url, timeout=60).json()["model_version_status"]
            if any(item["version"] == str(version) and item["state"] == "AVAILABLE" for item in states):
                break
            time.sleep(0.02)
        shutil.rmtree(base / str(version - 1))


def main():
    """Do it all, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--format", default="onnx")
    parser.add_argument("--swaps", type=int, default=100)
    given = parser.parse_args()
    run = given.run.resolve()
    artefact = export(run, given.format)
    examples, expected = expectations(artefact, run)
    with tempfile.TemporaryDirectory() as scratch, open(Path(scratch) / "log", "w") as log:
        base, port = Path(scratch) / "net", free_port()
        shutil.copytree(artefact, base / "1")
        url = f"http://127.0.0.1:{port}/v1/models/net"
        with served(base, port, log) as process:

            def memory():
                return f"{process.memory_info().rss / 1e6:.0f} MB"

            print(f"ready: {memory()}")
            for name, data in (("declared", Zeros(GIGABYTE)), ("in chunks", iter([b" " * 1_000_000] * 1000))):
                answer = requests.post(f"{url}:predict", data=data, timeout=300)
                print(f"a body of 1 GB, {name}: {answer.status_code} {answer.text}, {memory()}")
            idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(1000)]
            with Clients(f"{url}:predict", examples, expected) as clients:
                swap(base, url, given.swaps)
            for connection in idle:
                connection.close()
            print(f"{given.swaps} swaps beside 1,000 idle connections: {clients.asked} requests, {memory()}")
            print(f"wrong or missing: {len(clients.wrong)} {clients.wrong[:3]}")
    sys.exit(bool(clients.wrong))


if __name__ == "__main__":
    main()
