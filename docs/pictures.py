"""Write docs/pictures/ from real commands and a real run: python docs/pictures.py (about half a minute).

The commands run in a pseudo-terminal, as a reader would see them, and rich turns what they print into an SVG.
"""

import fcntl
import io
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

PICTURES = Path(__file__).with_name("pictures")
COLUMNS, ROWS = 112, 50
SHOWN = (
    "dlkit summary digits_mlp --explain",
    "dlkit train digits_mlp --set training.epochs=5",
    "dlkit export",
)
FIGURES = ("loss.png", "confusion_matrix_test.png")
# The sequences by which rich rewrites a line: back to its start, erase it, and move up.
_CONTROL = re.compile(r"\x1b\[(\?\d+)?(\d*)([A-Za-z])|\r|\n")


def write_pictures() -> None:
    """Run the commands in an empty folder; write the terminal picture and copy the figures of a whole training."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        screens = [(command, terminal(command, folder)) for command in SHOWN]
        (PICTURES / "terminal.svg").write_text(svg(screens), encoding="utf-8")
        for command in ("dlkit train digits_mlp", "dlkit evaluate"):
            terminal(command, folder)
        run = max((folder / "saved_models/digits_mlp").iterdir())
        for figure in FIGURES:
            shutil.copy(run / "figures" / figure, PICTURES / f"digits_mlp_{figure}")


def terminal(command: str, folder: Path) -> list[str]:
    """Run a dlkit command in a pseudo-terminal; return the lines that are on its screen in the end, with colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    words = [sys.executable, "-m", *command.split()]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DLKIT_", "NO_COLOR"))}
    environment = kept | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "DLKIT_CACHE": str(folder / "cache")}
    process = subprocess.Popen(words, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    printed = b""
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # the other end is closed
            part = b""
        if not part:
            break
        printed += part
    os.close(ours)
    if process.wait() != 0:
        raise SystemExit(f"{command} failed:\n{printed.decode()}")
    return screen(printed.decode())


def screen(printed: str) -> list[str]:
    """Return the lines that remain on a terminal; colours stay in them."""
    lines, row, place = [""], 0, 0
    for control in [*_CONTROL.finditer(printed), None]:
        lines[row] += printed[place : control.start() if control else None]
        if control is None:
            break
        place = control.end()
        kind = control.group(3) or control.group()
        if kind == "\n":
            row += 1
            if row == len(lines):
                lines.append("")
        elif kind == "K":
            lines[row] = ""
        elif kind == "A":
            row -= int(control.group(2) or 1)
        elif kind == "m":
            lines[row] += control.group()
    return [line.rstrip() for line in lines]


def svg(screens: list[tuple[str, list[str]]]) -> str:
    """Return the commands and what they printed as one picture."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for command, lines in screens:
        console.print(Text("$ ", "bold green") + Text(command, "bold"))
        text = Text.from_ansi("\n".join(lines).strip("\n"))
        console.print(text, highlight=False)
        console.print()
    # Without rich's web fonts: the picture loads nothing.
    code_format = re.sub(r"@font-face \{\{.*?\n    \}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    return console.export_svg(title="dlkit", code_format=code_format, unique_id="dlkit")


if __name__ == "__main__":
    write_pictures()
