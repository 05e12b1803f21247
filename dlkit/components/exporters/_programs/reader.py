"""Answer requests with an artefact in a clean process: python -I THIS_FILE RUNTIME ARTEFACT THREADS.

RUNTIME is a Python file with `open_artefact(folder, threads)`, which returns a function from an endpoint and its
arguments by name to outputs by name, and `versions()`. Each line of stdin is a JSON object, and each gets one JSON line
on stdout: {"requests": FILE, "answers": FILE, "sizes": [64, 1]} answers every array `<number>/<endpoint>/<argument>` of
one .npz as `<number>/<turn>/<output>` of another, in batches of each size; {"requests": FILE, "calls": 100} calls the
endpoint of the first array as often and returns the seconds of each call. The end of stdin ends the process.
"""

import json
import os
import runpy
import sys
import time
import traceback
from pathlib import Path

sys.modules["dlkit"] = None  # type: ignore[assignment]  # an artefact must not need dlkit

import numpy as np


def serve(runtime, artefact, threads):
    """Return the function that handles one order, with the artefact open."""
    module = runpy.run_path(runtime)
    call = module["open_artefact"](Path(artefact), int(threads))

    def handle(order):
        with np.load(order["requests"]) as archive:
            requests = {key: archive[key] for key in archive.files}
        if "calls" in order:
            return {"seconds": _timed(call, requests, order["calls"])}
        answers = {}
        for key, array in requests.items():
            number, endpoint, argument = key.split("/")
            for turn, size in enumerate(order["sizes"]):
                for name, value in _answer(call, endpoint, argument, array, size).items():
                    answers[f"{number}/{turn}/{name}"] = value
        np.savez(order["answers"], **answers)
        return {"versions": module["versions"]()}

    return handle


def _answer(call, endpoint, argument, array, size):
    """Return the endpoint's outputs for an array, computed `size` examples at a time."""
    parts = [call(endpoint, {argument: array[i : i + size]}) for i in range(0, len(array), size)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _timed(call, requests, calls):
    key, array = next(iter(requests.items()))
    _, endpoint, argument = key.split("/")
    seconds = []
    for _ in range(calls):
        start = time.perf_counter()
        call(endpoint, {argument: array})
        seconds.append(time.perf_counter() - start)
    return seconds


def main(runtime, artefact, threads):
    """Handle the orders of stdin; what libraries print to stdout goes to stderr."""
    replies = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)
    try:
        handle = serve(runtime, artefact, threads)
    except Exception as error:
        print(json.dumps({"error": _reason(error)}), file=replies)
        return
    print(json.dumps({"ready": True}), file=replies)
    for line in sys.stdin:
        try:
            reply = handle(json.loads(line))
        except Exception as error:
            traceback.print_exc()
            reply = {"error": _reason(error)}
        print(json.dumps(reply), file=replies)


def _reason(error):
    """Return the last line of an error that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0][:300]


if __name__ == "__main__":
    main(*sys.argv[1:])
