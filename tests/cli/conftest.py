"""A command line run in this process."""

from dataclasses import dataclass

import pytest

from dlkit.cli import main


@dataclass(frozen=True)
class Result:
    """What a command line returned and printed."""

    code: int
    out: str
    error: str


@pytest.fixture
def dlkit(monkeypatch, capsys, tmp_path):
    """Run dlkit with arguments in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DLKIT_DEBUG", raising=False)

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["dlkit", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        return Result(int(stopped.value.code or 0), *capsys.readouterr())

    return run
