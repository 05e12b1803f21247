"""Change an exported SavedModel in many ways, and watch with strace what dlkit does with each copy.

python benchmarks/attacks.py [COUNT]    (200 by default)

A watched process gives every copy to `inspect`, and loads and runs those that it calls safe, as `export --verify` does.
It must not open a file outside the copy that the honest export does not need, write one, or use the network. The last
line shows that the watch works: some copies are loaded although they were refused. Exits with 1 on a violation.
"""

import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__)
sys.path.insert(0, str(HERE.parents[1] / "tests" / "fuzz"))
MARK = "/dlkit-attack/"
CONTROLS = 40
OPENS = re.compile(r'(?:openat|open|creat)\((?:AT_FDCWD, )?"([^"]*)"(?:, ([A-Z_|]+))?')
CHANGES = re.compile(r'\b(?:unlink|rename|mkdir|rmdir|link|symlink|truncate|chmod|chown|mknod)\w*\([^"]*"([^"]*)"')
NETWORK = re.compile(r"(?:connect|sendto|bind)\(.*AF_INET")


def copies(count: int, scratch: Path) -> list[str]:
    """Write the honest export and its changed copies to scratch/0, 1, ...; return how each was changed."""
    import graphs

    from dlkit.export.export import export
    from dlkit.interfaces.reporter import Reporter
    from dlkit.model.trained import open_run
    from dlkit.recipe import load_recipe
    from dlkit.training.run import train_recipe

    run = train_recipe(load_recipe("digits_mlp", ["training.epochs=1"]), scratch / "runs", Reporter()).run
    artefact = export(open_run(run), "saved_model", scratch / "exports")[0]
    (scratch / "outside").mkdir()
    (scratch / "outside" / "secret").write_text("secret\n")
    ways = ["honest"]
    shutil.copytree(artefact, scratch / "0")
    for number in range(1, count + 1):
        folder = shutil.copytree(artefact, scratch / str(number))
        ways.append(graphs.mutate(random.Random(f"0/{number}"), folder, str(scratch / "outside" / "secret")))
    return ways


def watched(scratch: Path, first: int, last: int, unchecked: bool) -> None:
    """Inspect the copies and load the safe ones, or all of them; print a line of JSON-like outcome for each."""
    import tensorflow as tf

    from dlkit.errors import DlkitError
    from dlkit.runs.inspection import inspect

    for number in range(first, last):
        Path(f"{MARK}{number}").exists()  # seen by strace
        folder = scratch / str(number)
        try:
            safe = inspect(folder).safe
        except DlkitError:
            safe = False
        outcome = "refused"
        if safe or unchecked:
            try:
                model = tf.saved_model.load(str(folder))
                for signature in model.signatures.values():
                    run(signature)
                outcome = "ran"
            except Exception:  # a changed graph fails in many ways
                outcome = "failed"
        Path(f"{MARK}done").exists()
        print(number, outcome, flush=True)


def run(signature) -> None:
    """Call an endpoint with examples of its own dtype and shape."""
    import tensorflow as tf

    specs = signature.structured_input_signature[1]
    picture = tf.io.encode_png(tf.zeros((8, 8, 1), tf.uint8))
    signature(
        **{
            name: tf.stack([picture] * 2) if spec.dtype == tf.string else tf.zeros((2, *spec.shape[1:]), spec.dtype)
            for name, spec in specs.items()
        }
    )


def outcomes(scratch: Path, numbers: range, log: Path, unchecked: bool = False) -> dict[int, str]:
    """Return what became of the copies; a copy that ends the process is `crashed`, and the next one goes on."""
    found: dict[int, str] = {}
    first = numbers.start
    while first < numbers.stop:
        command = ["strace", "-f", "-s", "300", "-A", "-o", str(log), "-e", "trace=%file,%network"]
        command += [sys.executable, str(HERE), "watched", str(scratch), str(first), str(numbers.stop)]
        done = subprocess.run([*command, str(int(unchecked))], capture_output=True, text=True, check=False)
        lines = [line.split() for line in done.stdout.splitlines()]
        found |= {int(number): outcome for number, outcome in lines}
        first = max(found, default=first - 1) + 1
        if first < numbers.stop:
            found[first], first = "crashed", first + 1
    return found


def violations(log: Path, scratch: Path) -> list[tuple[int, str]]:
    """Return what the copies opened, changed or connected to, beyond the first one, which is the honest export."""
    number, known, found = -1, set(), []
    for line in log.read_text(errors="replace").splitlines():
        if MARK in line:
            number = -1 if f"{MARK}done" in line else int(re.search(rf"{MARK}(\d+)", line).group(1))
        elif number >= 0 and (what := _act(line, scratch / str(number))):
            known.add(what) if number == 0 else found.append((number, what))
    return [(number, what) for number, what in found if what not in known]


def _act(line: str, own: Path) -> str | None:
    """Return what a system call does outside the copy's own folder, or None."""
    if NETWORK.search(line):
        return "network " + line.split(" ", 1)[1][:100]
    if opened := OPENS.search(line):
        path, flags = opened.groups()
        writes = flags is None or not flags.startswith("O_RDONLY") or "O_CREAT" in flags
        inside = path.startswith(f"{own}/") or path == str(own)
        harmless = path.startswith(("/proc/", "/sys/", "/dev/", sys.prefix, sys.base_prefix))
        return None if harmless or (inside and not writes) else f"{'write' if writes else 'read'} {path}"
    changed = CHANGES.search(line)
    return f"change {changed.group(1)}" if changed else None


def main(count: int = 200) -> int:
    """Print the counts by outcome, and every violation."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder).resolve()
        ways = copies(count, scratch)
        log, control = scratch / "log", scratch / "control"
        found = outcomes(scratch, range(count + 1), log)
        bad = violations(log, scratch)
        print(f"the honest copy {found.pop(0)}; {count} copies changed in {len(set(ways)) - 1} ways: ", end="")
        print(", ".join(f"{number} {outcome}" for outcome, number in sorted(Counter(found.values()).items())))
        for number, what in bad:
            print(f"  VIOLATION {number} ({ways[number]}): {what}")
        outcomes(scratch, range(min(CONTROLS, count) + 1), control, unchecked=True)
        seen = {number for number, _ in violations(control, scratch)}
        print(f"{len(bad)} violations; loaded unchecked, {len(seen)} of the first {CONTROLS} copies reach outside")
    return int(bool(bad) or not seen)


if __name__ == "__main__":
    if sys.argv[1:2] == ["watched"]:
        sys.path.insert(0, str(HERE.parents[1]))
        from dlkit.machine.tensorflow import start_tensorflow

        start_tensorflow()
        watched(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5] == "1")
        sys.exit()
    sys.exit(main(*map(int, sys.argv[1:])))
