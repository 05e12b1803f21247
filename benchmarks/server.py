"""Measure dlkit serve under load with wrk: python benchmarks/server.py RUN [--seconds 60] [--rounds 3] [--format onnx].

RUN is a run directory of mnist_cnn, or another run of images of one size, with an export in that format; without one
it is exported first. Interleaved, round by round, at 1, 8 and 64 connections: dlkit serve, a plain Starlette server
that calls the same runtime once per request, and FastAPI with `model.predict` (without FastAPI the same handler in
Starlette, which is faster). For each: requests a second, p50, p99, errors, and the memory at first, after each number
of connections, after full batches, and after the most connections once more. Then, in one process without HTTP, the
artefact's own rate one by one and in full batches. Requests beside the load ask for other examples, and every answer is
compared with the run's. Medians over the rounds; ratios at the end.
"""

import argparse
import json
import os
import re
import signal
import socket
import statistics
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

ROOT = Path(__file__).parents[1]
CONNECTIONS = (1, 8, 64)
FULL = 64
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
LUA = """
wrk.method, wrk.headers["content-type"] = "POST", "application/json"
local file = io.open("{body}", "rb")
wrk.body = file:read("*a")
file:close()
done = function(summary, latency, requests)
  local e = summary.errors
  local bad = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), bad))
end
"""
PLAIN = '''
"""A server that calls the runtime once for every request."""
import sys
from pathlib import Path
import numpy as np
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from dlkit.serving.model import open_artefact
from dlkit.serving.signature import DEFAULT

opened = open_artefact(Path(sys.argv[1]))

def predict(request_body):
    inputs = np.asarray(orjson.loads(request_body)["instances"], "uint8")
    outputs = opened.backend.run(DEFAULT, {"inputs": inputs})
    return orjson.dumps({"predictions": outputs["probabilities"]}, option=orjson.OPT_SERIALIZE_NUMPY)

async def answer(request: Request):
    return Response(predict(await request.body()), media_type="application/json")

app = Starlette(routes=[Route("/predict", answer, methods=["POST"])])
uvicorn.run(app, port=int(sys.argv[2]), log_level="warning", loop="uvloop", http="httptools")
'''
KERAS = '''
"""A server that calls model.predict, as tutorials do."""
import sys
import numpy as np
from dlkit.machine.tensorflow import start_tensorflow
start_tensorflow()
import uvicorn
from dlkit.model.trained import open_run
from dlkit.runs.directory import RunDirectory
from pathlib import Path

built = open_run(RunDirectory(Path(sys.argv[1]))).built

def predict(instances):
    pixels = built.preprocess(np.asarray(instances, "uint8"), training=False)
    return {"predictions": built.network.predict(pixels, verbose=0).tolist()}

try:
    from fastapi import Body, FastAPI
    app = FastAPI()

    @app.post("/predict")
    def answer(instances: list = Body(embed=True)):
        return predict(instances)
except ModuleNotFoundError:
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def answer(request):
        return JSONResponse(await run_in_threadpool(predict, (await request.json())["instances"]))

    app = Starlette(routes=[Route("/predict", answer, methods=["POST"])])
uvicorn.run(app, port=int(sys.argv[2]), log_level="warning", loop="uvloop", http="httptools")
'''


def free_port():
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def started(words, url, body):
    """Run a server until it answers; yield its process."""
    process = subprocess.Popen([sys.executable, *words], env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise SystemExit(f"{words} ended with {process.returncode}")
            try:
                if requests.post(url, data=body, timeout=10).ok:
                    break
            except requests.exceptions.ConnectionError:
                time.sleep(0.1)
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def wrk(url, body, connections, seconds, scratch):
    """Requests a second, p50 and p99 in ms, and errors, under load."""
    script = scratch / "post.lua"
    script.write_text(LUA.replace("{body}", str(body)))
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script), url]
    out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    done, microseconds, p50, p99, bad = map(int, re.search(r"RESULT (.*)", out)[1].split())
    return {"rate": done / microseconds * 1e6, "p50": p50 / 1e3, "p99": p99 / 1e3, "errors": bad}


class Checks(threading.Thread):
    """Ask for other examples during the load, and compare every answer with the run's."""

    def __init__(self, url, examples, expected):
        super().__init__(daemon=True)
        self.url, self.examples, self.expected, self.stop = url, examples, expected, threading.Event()
        self.asked = self.wrong = 0

    def run(self):
        with requests.Session() as session:
            while not self.stop.is_set():
                index = self.asked % len(self.examples)
                answer = session.post(self.url, json={"instances": [self.examples[index].tolist()]}, timeout=60)
                found = answer.json()["predictions"][0]
                found = found["probabilities"] if isinstance(found, dict) else found
                self.asked += 1
                self.wrong += not np.allclose(found, self.expected[index], atol=1e-4)
                time.sleep(0.05)


def measure(name, words, url, bodies, seconds, scratch, checks):
    """Load one server at every number of connections; return the figures by connections."""
    found = {}
    with started(words, url, bodies["one"].read_bytes()) as process:
        wrk(url, bodies["one"], 8, 2, scratch)
        memory = [process.memory_info().rss / 1e6]
        asking = Checks(url, *checks)
        asking.start()
        for connections in CONNECTIONS:
            found[connections] = wrk(url, bodies["one"], connections, seconds, scratch)
            memory.append(process.memory_info().rss / 1e6)
        if name == "dlkit serve":
            found["full"] = wrk(url, bodies["full"], 4, seconds, scratch)
            memory.append(process.memory_info().rss / 1e6)
        wrk(url, bodies["one"], CONNECTIONS[-1], seconds, scratch)
        asking.stop.set()
        asking.join(60)
        found["memory"] = [*memory, process.memory_info().rss / 1e6]
        found["checked"] = (asking.asked, asking.wrong)
    return found


def in_process(artefact, examples, seconds):
    """Examples a second of the artefact alone, one by one and in full batches."""
    code = (
        "import json, sys, time, numpy as np; from pathlib import Path\n"
        "from dlkit.serving.model import open_artefact\n"
        "from dlkit.serving.signature import DEFAULT\n"
        "backend = open_artefact(Path(sys.argv[1])).backend; examples = np.load(sys.argv[2]); rates = {}\n"
        f"for size in (1, {FULL}):\n"
        "    batch = np.resize(examples, (size, *examples.shape[1:])); count = 0\n"
        "    for _ in range(5): backend.run(DEFAULT, {'inputs': batch})\n"
        "    began = time.perf_counter()\n"
        f"    while time.perf_counter() - began < {seconds}: backend.run(DEFAULT, {{'inputs': batch}}); count += size\n"
        "    rates[size] = count / (time.perf_counter() - began)\n"
        "print(json.dumps(rates))"
    )
    words = [sys.executable, "-c", code, str(artefact), str(examples)]
    out = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout
    return {int(size): rate for size, rate in json.loads(out.splitlines()[-1]).items()}


def export(run, format_name):
    """The newest export of a run in a format, written if there is none."""
    base = run / "exports" / format_name / run.parent.name
    if not base.is_dir():
        words = [sys.executable, "-m", "dlkit", "export", str(run), "--format", format_name]
        subprocess.run(words, env=ENVIRONMENT, check=True)
    return max(base.glob("[0-9]*"), key=lambda path: int(path.name))


def expectations(artefact, run, count=64):
    """Held-out examples of the run, and the artefact's answers, which its certificate compared with the run's."""
    from dlkit.export.stored import load_samples
    from dlkit.runs.directory import RunDirectory
    from dlkit.serving.model import open_artefact
    from dlkit.serving.signature import DEFAULT

    examples = load_samples(RunDirectory(run))[:count]
    backend = open_artefact(artefact).backend
    return examples, np.concatenate(
        [backend.run(DEFAULT, {"inputs": examples[i : i + 1]})["probabilities"] for i in range(len(examples))]
    )


def report(rounds, alone):
    """Print medians over the rounds, and the ratios that matter."""

    def median(server, connections, key):
        return statistics.median(one[server][connections][key] for one in rounds)

    for server in rounds[0]:
        for connections in (key for key in rounds[0][server] if key not in ("memory", "checked")):
            figures = [median(server, connections, key) for key in ("rate", "p50", "p99", "errors")]
            print(
                "{:14} {:>5}  {:9,.0f} requests/s  p50 {:8.2f} ms  p99 {:8.2f} ms  {:.0f} errors".format(
                    server, connections, *figures
                )
            )
        memory = ", ".join(f"{megabytes:.0f}" for megabytes in rounds[-1][server]["memory"])
        asked, wrong = (sum(one[server]["checked"][index] for one in rounds) for index in (0, 1))
        print(f"{server:14} memory {memory} MB; {asked} answers compared, {wrong} wrong")
    ours = {connections: median("dlkit serve", connections, "rate") for connections in CONNECTIONS}
    print(f"in process: {alone[1]:,.0f} examples/s one by one, {alone[FULL]:,.0f} in batches of {FULL}")
    for other in (name for name in rounds[0] if name != "dlkit serve"):
        ratios = "  ".join(f"{c}: {ours[c] / median(other, c, 'rate'):.2f}" for c in CONNECTIONS)
        print(f"dlkit serve / {other}, by connections: {ratios}")
    full = median("dlkit serve", "full", "rate") * FULL
    print(f"full batches: {full:,.0f} examples/s, {full / alone[FULL]:.0%} of the artefact alone")
    print(f"at 64 connections: {ours[64]:,.0f} examples/s, {ours[64] / alone[FULL]:.0%} of the artefact alone")
    print(f"overhead at one connection: {median('dlkit serve', 1, 'p50') - 1e3 / alone[1]:.2f} ms")


def main():
    """Measure, round by round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--format", default="onnx")
    given = parser.parse_args()
    run = given.run.resolve()
    artefact = export(run, given.format)
    examples, expected = expectations(artefact, run)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        bodies = {"one": scratch / "one.json", "full": scratch / "full.json"}
        for name, count in (("one", 1), ("full", FULL)):
            bodies[name].write_text(
                json.dumps({"instances": np.resize(examples, (count, *examples.shape[1:])).tolist()})
            )
        for name, text in (("plain.py", PLAIN), ("keras_server.py", KERAS)):
            (scratch / name).write_text(text)
        np.save(scratch / "examples.npy", examples)
        name = run.parent.name
        rounds = []
        for _ in range(given.rounds):
            ports = [free_port() for _ in range(3)]
            serve = ["-m", "dlkit", "serve", str(artefact), "--port", str(ports[0])]
            servers = {
                "dlkit serve": (serve, f"http://127.0.0.1:{ports[0]}/v1/models/{name}:predict"),
                "one call each": (
                    [str(scratch / "plain.py"), str(artefact), str(ports[1])],
                    f"http://127.0.0.1:{ports[1]}/predict",
                ),
                "model.predict": (
                    [str(scratch / "keras_server.py"), str(run), str(ports[2])],
                    f"http://127.0.0.1:{ports[2]}/predict",
                ),
            }
            checks = (examples, expected)
            rounds.append(
                {key: measure(key, *server, bodies, given.seconds, scratch, checks) for key, server in servers.items()}
            )
        report(rounds, in_process(artefact, scratch / "examples.npy", min(given.seconds, 20)))


if __name__ == "__main__":
    main()
