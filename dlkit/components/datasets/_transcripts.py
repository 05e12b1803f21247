"""Transcripts of recordings: from the names of files or folders, or from a table."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dlkit.errors import InputError
from dlkit.media.tables import read_table

_FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Said:
    """What is said in a recording, and who says it, empty if that is not known."""

    text: str
    speaker: str = ""


def by_pattern(pattern: str, paths: Sequence[Path]) -> dict[Path, Said]:
    """Return what the names of files say, such as `{text}_{speaker}_{take}` of 7_theo_12.wav: 7, by theo.

    A field matches as few characters as possible. Raises InputError for a name that does not match.
    """
    fields = _FIELD.findall(pattern)
    if "text" not in fields or len(set(fields)) < len(fields):
        raise InputError(
            f"the pattern {pattern!r} does not have the field {{text}} once, and other fields at most once",
            "such as '{text}_{speaker}_{take}'",
        )
    parts = _FIELD.split(pattern)
    form = "".join(f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    found = {}
    for path in paths:
        match = re.fullmatch(form, path.stem)
        if match is None:
            raise InputError(
                f"{path} does not match the pattern {pattern!r}", "rename the file, or change data.source's pattern"
            )
        found[path] = Said(match["text"], match.groupdict().get("speaker", ""))
    return found


def by_folder(paths: Sequence[Path]) -> dict[Path, Said]:
    """Return the name of the folder of each file as its transcript."""
    return {path: Said(path.parent.name) for path in paths}


def by_table(table: Path, root: Path, paths: Sequence[Path]) -> dict[Path, Said]:
    """Return the rows of a CSV file with the columns `file`, below root, `text`, and `speaker` if there is one.

    Raises InputError for a file with two rows, a row without its file, and a file without a row.
    """
    text = read_table(table, ",", "give the path of a CSV file with the columns file and text")
    for name in ("file", "text"):
        if name not in text.columns:
            raise InputError(f"{table} has no column {name!r}", f"it has {', '.join(text.columns)}")
    speakers = text.columns.get("speaker", [""] * len(text))
    known, found = {path.relative_to(root).as_posix(): path for path in paths}, {}
    for row, (name, said, speaker) in enumerate(zip(text.columns["file"], text.columns["text"], speakers, strict=True)):
        if name not in known:
            raise InputError(f"{text.place(row)}: no recording {name} in {root}", "remove the row, or add the file")
        if known[name] in found:
            raise InputError(f"{text.place(row)}: a second transcript of {name}", "remove one")
        found[known[name]] = Said(said, speaker)
    for path in paths:
        if path not in found:
            raise InputError(f"{table} has no row for {path}", "add one, or move the file to another folder")
    return found


def spelled(said: str, alphabet: str, words: dict[str, str], lowercase: bool) -> str:
    """Return a transcript with whole texts replaced as `words` says; raise InputError for letters not in alphabet."""
    text = words.get(said, said)
    text = text.lower() if lowercase else text
    if not text.strip():
        raise InputError("the transcript is empty", "add it, or remove the recording")
    unknown = sorted(set(text) - set(alphabet))
    if unknown:
        advice = "set lowercase: true, " if set(text.lower()) <= set(alphabet) else ""
        raise InputError(
            f"the transcript {text!r} has characters that are not in the alphabet: {', '.join(map(repr, unknown))}",
            f"{advice}correct the transcript, replace it with words, or add them to data.source.audio_folder.alphabet",
        )
    return text
