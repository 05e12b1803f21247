"""stdout and stderr take everything: closed, full, without a reader, or with an encoding that lacks letters."""

import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
from dlkit.machine.streams import failure, make_dependable
make_dependable()
for number in range(3):
    print("Zażółć", number, flush=True)
    print("note", number, file=sys.stderr, flush=True)
open(sys.argv[1], "w").write(f"{failure('stdout')} {failure('stderr')}")
print("rc", os.open(os.devnull, os.O_RDONLY))
"""


@pytest.fixture
def run(tmp_path):
    """Run the program with redirections of a shell; return its exit code, output and what it found."""

    def started(redirection, **environment):
        found = tmp_path / "found"
        script = f'"{sys.executable}" -c "$PROGRAM" {found} {redirection}; echo code ${{PIPESTATUS[0]}}'
        done = subprocess.run(
            ["bash", "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={"PATH": "/usr/bin:/bin", "PROGRAM": PROGRAM, "PYTHONPATH": ":".join(sys.path), **environment},
        )
        *out, code = done.stdout.splitlines()
        assert code == "code 0", done.stderr
        return out, done.stderr, found.read_text()

    return started


@pytest.mark.parametrize(
    ("redirection", "found"),
    [
        (">&-", "None None"),
        ("2>&-", "None None"),
        ("<&- >&- 2>&-", "None None"),
        (">/dev/full", "No space left on device None"),
        ("2>/dev/full", "None No space left on device"),
        ("| head -0", "None None"),
        ("2>&1 | head -1", "None None"),
    ],
)
def test_what_cannot_be_written_ends_nothing(run, redirection, found):
    out, error, said = run(redirection)
    assert said == found
    assert "Traceback" not in error
    assert not [line for line in out if line.startswith("rc") and int(line.split()[1]) < 3], "a file got number 0 to 2"


def test_letters_that_the_encoding_lacks_are_escaped(run):
    out, _, _ = run("", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert out[0] == "Za\\u017c\\xf3\\u0142\\u0107 0"


def test_a_full_disk_behind_stdout_is_an_error_after_the_work(tmp_path):
    script = f'"{sys.executable}" -m dlkit list tasks --json >/dev/full'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: cannot write to stdout: No space left on device\n")
