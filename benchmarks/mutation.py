"""Mutation testing: make one small change to the source at a time, which the tests that reach it must detect.

python benchmarks/mutation.py [COUNT [SEED]]    (a sample of 400 mutants by default; 0 for all of them)

A parent with TensorFlow and pytest imported, but not dlkit, forks a child for every mutant. The child imports the
changed module instead of the original and runs the fast tests that reach the changed line, until the first failure.
"""

import ast
import contextlib
import importlib.machinery
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = [*sorted(ROOT.glob("dlkit/recipe/*.py")), ROOT / "dlkit/runs/directory.py"]
TESTS = ["tests/recipe", "tests/runs/test_directory.py", "tests/broken"]
SECONDS, WORKERS, MEMORY = 90, 2, 6 << 30
PYTEST = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]

COMPARISONS = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
LOGIC = {ast.And: ast.Or, ast.Or: ast.And}


@dataclass(frozen=True)
class Mutant:
    """The `variant`th change of the `index`th node of a file's tree."""

    path: Path
    line: int
    index: int
    variant: int
    change: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.change}"


def changes(node: ast.AST) -> Iterator[Callable[[], None]]:
    """Yield functions that each change the node in place in one way."""
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            yield lambda place=place, operator=operator: node.ops.__setitem__(place, COMPARISONS[type(operator)]())
    if isinstance(node, ast.BoolOp):
        yield lambda: setattr(node, "op", LOGIC[type(node.op)]())
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        yield lambda: setattr(node, "op", OPERATORS[type(node.op)]())
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        yield lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test))
    if isinstance(node, ast.comprehension):
        for place, test in enumerate(node.ifs):
            yield lambda place=place, test=test: node.ifs.__setitem__(place, ast.UnaryOp(ast.Not(), test))
    if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | str):
        yield lambda: setattr(node, "value", _other(node.value))
    if isinstance(node, ast.Return) and not (node.value is None or _is_none(node.value)):
        yield lambda: setattr(node, "value", ast.Constant(None))
    if isinstance(node, ast.Continue | ast.Break):
        yield lambda: setattr(node, "__class__", ast.Break if isinstance(node, ast.Continue) else ast.Continue)
    for name in ("body", "orelse", "finalbody"):
        for place, statement in enumerate(_statements(node, name)):
            if isinstance(statement, ast.Expr | ast.AugAssign | ast.Raise) and not _is_text(statement):
                yield lambda name=name, place=place: getattr(node, name).__setitem__(place, ast.Pass())


def _other(value: bool | int | str) -> bool | int | str:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else f"XX{value}"


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _statements(node: ast.AST, name: str) -> list[ast.stmt]:
    found = getattr(node, name, [])
    return found if isinstance(found, list) else []


def _left_alone(tree: ast.Module) -> set[int]:
    """Return the nodes without effect at run time: docstrings, annotations, and imports for type checking."""
    found: set[int] = set()
    for node in ast.walk(tree):
        parts = [getattr(node, name, None) for name in ("annotation", "returns")]
        parts += [node] if isinstance(node, ast.stmt) and _is_text(node) else []
        parts += [node] if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" else []
        found |= {id(inner) for part in parts if isinstance(part, ast.AST) for inner in ast.walk(part)}
    return found


def mutants(path: Path) -> list[Mutant]:
    """Return all mutants of a file."""
    tree, found = ast.parse(path.read_text()), []
    skipped = _left_alone(tree)
    for index, node in enumerate(ast.walk(tree)):
        if id(node) not in skipped:
            for variant, _ in enumerate(changes(node)):
                found.append(Mutant(path, *_described(path, index, variant)))
    return found


def _described(path: Path, index: int, variant: int) -> tuple[int, int, int, str]:
    """Return line, index, variant, and the statement around the node before and after the change."""
    tree = ast.parse(path.read_text())
    node = list(ast.walk(tree))[index]
    nearest = {id(inner): stmt for stmt in ast.walk(tree) if isinstance(stmt, ast.stmt) for inner in ast.walk(stmt)}
    statement = nearest.get(id(node), tree)
    before = ast.unparse(statement).splitlines()
    line = getattr(node, "lineno", getattr(getattr(node, "target", statement), "lineno", 1))
    list(changes(node))[variant]()
    after = ast.unparse(ast.fix_missing_locations(tree if statement is tree else statement)).splitlines()
    pairs = [(old, new) for old, new in zip(before, after, strict=False) if old != new]
    old, new = pairs[0] if pairs else (before[-1], "removed")
    same = next((place for place, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), 0)
    shown = slice(max(0, same - 60), same + 60)
    return line, index, variant, f"`{old[shown].strip()}` -> `{new[shown].strip()}`"


def mutated(mutant: Mutant) -> ast.Module:
    """Return the changed tree."""
    tree = ast.parse(mutant.path.read_text())
    list(changes(list(ast.walk(tree))[mutant.index]))[mutant.variant]()
    return ast.fix_missing_locations(tree)


def tests_by_line(folder: Path) -> dict[Path, dict[int, list[str]]]:
    """Return the tests that reach every line of a function, by file; lines run by the import concern all tests."""
    import coverage
    import pytest

    number = os.fork()
    if number == 0:
        os.environ["COVERAGE_FILE"] = str(folder / "coverage")
        os.dup2(os.open(folder / "baseline", os.O_WRONLY | os.O_CREAT), 1)
        os._exit(
            int(
                pytest.main(
                    [*PYTEST, "--cov=dlkit", "--cov-context=test", "--cov-report=", "--cov-fail-under=0", *TESTS]
                )
            )
        )
    if os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]):
        sys.exit((folder / "baseline").read_text()[-3000:])
    data = coverage.CoverageData(str(folder / "coverage"))
    data.read()
    found: dict[Path, dict[int, list[str]]] = {}
    for path in SOURCES:
        lines = data.contexts_by_lineno(str(path))
        inside = _lines_of_functions(path)
        found[path] = {n: sorted({c.split("|")[0] for c in lines[n] if c}) for n in lines if n in inside}
    return found


def _lines_of_functions(path: Path) -> set[int]:
    functions = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))
    return {line for node in functions for line in range(node.body[0].lineno, (node.end_lineno or 0) + 1)}


def start(path: Path, tree: ast.Module, tests: list[str], folder: Path) -> int:
    """Fork a child that imports `tree` in place of the file, and exits with 0 when no test notices."""
    number = os.fork()
    if number:
        return number
    os.setsid()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))  # a mutant may ask for any amount
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    code, original = compile(tree, path, "exec"), importlib.machinery.SourceFileLoader.get_code

    def get_code(loader: importlib.machinery.SourceFileLoader, name: str):
        return code if loader.path == str(path) else original(loader, name)

    importlib.machinery.SourceFileLoader.get_code = get_code
    import pytest

    status = 1
    with contextlib.suppress(BaseException):
        status = int(pytest.main([*PYTEST, "--no-cov", f"--basetemp={folder / str(os.getpid())}", *tests]))
    os._exit(status)


def survivors(chosen: list[Mutant], reached: dict[Path, dict[int, list[str]]], folder: Path) -> Iterator[Mutant]:
    """Yield the mutants that no test detects; one that hangs counts as detected, and is named on stderr."""
    waiting, running = list(reversed(chosen)), {}
    while waiting or running:
        while waiting and len(running) < WORKERS:
            mutant = waiting.pop()
            tests = reached[mutant.path].get(mutant.line) or TESTS
            number = start(mutant.path, mutated(mutant), tests, folder)
            running[number] = (mutant, time.monotonic() + SECONDS)
        for number, (mutant, deadline) in list(running.items()):
            ended, status = os.waitpid(number, os.WNOHANG)
            if not ended and time.monotonic() > deadline:
                print(f"timed out: {mutant}", file=sys.stderr, flush=True)
                os.killpg(number, signal.SIGKILL)
                ended, status = os.waitpid(number, 0)
            if ended:
                del running[number]
                shutil.rmtree(folder / str(number), ignore_errors=True)
                if os.waitstatus_to_exitcode(status) == 0:
                    yield mutant
        time.sleep(0.01)


def main(count: int = 400, seed: int = 0) -> None:
    """Print every survivor, then their number."""
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras  # noqa: F401  imported, but not used before the forks

    everything = [mutant for path in SOURCES for mutant in mutants(path)]
    chosen = random.Random(seed).sample(everything, count) if count else everything
    begun, found = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder:
        reached = tests_by_line(Path(folder))
        for mutant in survivors(chosen, reached, Path(folder)):
            found += 1
            print(mutant, flush=True)
    share, minutes = 100 * (1 - found / len(chosen)), (time.monotonic() - begun) / 60
    print(f"{len(chosen)} of {len(everything)} mutants (seed {seed}), {found} survive: {share:.1f} % are detected")
    print(f"{minutes:.0f} minutes", file=sys.stderr)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
