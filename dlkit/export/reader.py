"""A clean process without dlkit that has an artefact open and answers requests, with the format's own runtime."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from signal import Signals
from types import TracebackType
from typing import Any

import numpy as np

from dlkit.components.exporters._conversion import PROGRAMS
from dlkit.errors import CheckError
from dlkit.interfaces.exporter import Exporter

SCRIPT, SECONDS = PROGRAMS / "reader.py", 1800


class Reader:
    """An artefact, open in a process of its own that computes with a given number of threads."""

    def __init__(self, exporter: Exporter, artefact: Path, threads: int) -> None:
        self.artefact, self.versions = artefact, dict[str, str]()
        self._scratch = tempfile.TemporaryDirectory()
        plain = Path(self._scratch.name) / "artefact"  # TensorFlow takes []*{} in a path for a pattern
        plain.symlink_to(artefact.resolve(), target_is_directory=True)
        self._errors = (Path(self._scratch.name) / "errors").open("w+")
        command = [sys.executable, "-I", str(SCRIPT), str(exporter.runtime), str(plain), str(threads)]
        self._process = self._start(command)
        try:
            self._reply()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def answers(self, requests: Mapping[str, np.ndarray], sizes: list[int]) -> dict[str, np.ndarray]:
        """Return `<number>/<turn>/<output>` for arrays `<number>/<endpoint>/<argument>`, in batches of each size."""
        asked, answered = (Path(self._scratch.name) / f"{name}.npz" for name in ("requests", "answers"))
        np.savez(asked, allow_pickle=False, **requests)
        self.versions = self._order({"requests": str(asked), "answers": str(answered), "sizes": sizes})["versions"]
        with np.load(answered, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}

    def seconds(self, endpoint: str, batch: np.ndarray, calls: int) -> list[float]:
        """Return how long each of so many calls with a batch takes; endpoint: `<endpoint>/<argument>`."""
        asked = Path(self._scratch.name) / f"timed_{len(batch)}.npz"
        if not asked.exists():
            np.savez(asked, allow_pickle=False, **{f"0/{endpoint}": batch})
        found: list[float] = self._order({"requests": str(asked), "calls": calls})["seconds"]
        return found

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                stream.close()
        self._scratch.cleanup()

    def _start(self, command: list[str]) -> Any:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True, env={**os.environ}
        )

    def _order(self, order: Mapping[str, Any]) -> dict[str, Any]:
        with suppress(BrokenPipeError):  # the process has ended; the missing reply says so
            print(json.dumps(order), file=self._process.stdin, flush=True)
        return self._reply()

    def _reply(self) -> dict[str, Any]:
        limit = threading.Timer(SECONDS, self._process.kill)
        limit.start()
        try:
            line = self._process.stdout.readline()
        finally:
            limit.cancel()
        reply: dict[str, Any] = json.loads(line) if line else {"error": self._end()}
        if "error" in reply:
            raise CheckError(f"a clean process cannot run {self.artefact}: {reply['error']}", "export the run again")
        return reply

    def _end(self) -> str:
        """Return how the process ended without a reply."""
        code = self._process.wait()
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors.read().splitlines() if line.strip()]
        how = Signals(-code).name if code < 0 else f"exit code {code}"
        return f"it ended with {how}" + (f": {lines[-1][:300]}" if lines else "")
