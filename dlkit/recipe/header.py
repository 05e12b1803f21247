"""Read what the first lines of a recipe file say about it."""

import re
from pathlib import Path

TITLES = ("Source", "Run", "Expected", "Choose")


def read_header(path: Path) -> dict[str, str]:
    """Return what the first lines of a recipe say: `what` it is, its Source, Run, Expected and Choose, if given."""
    found, title = {"what": ""}, "what"
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("# "):  # an empty comment, or the first key, ends what is said of every recipe
            break
        text = line.removeprefix("# ").strip()
        if match := re.match(rf"({'|'.join(TITLES)}): +", text):
            title, text = match.group(1), text[match.end() :]
        found[title] = f"{found.get(title, '')} {text}".strip()
    return found


def run_time(header: dict[str, str]) -> str:
    """Return how long the command of a header takes: what it says in parentheses."""
    text = header.get("Run", "")
    return text[text.find("(") + 1 : -1] if text.endswith(")") else ""
