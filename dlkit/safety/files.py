"""Checks of foreign files before anything else opens them: archives and links, by their headers alone.

Functions named `..._problems` say what is dangerous in a file; they raise InputError when it cannot be read at all.
"""

import os
import stat
import struct
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from dlkit.errors import InputError, MissingError
from dlkit.formatting import byte_size
from dlkit.machine.hardware import memory

MAX_MEMBERS = 1000
# Above this size a file must not unpack to more than so many times its own size; deflate itself ends at 1032 times.
FREE_BYTES, MAX_RATIO = 100_000_000, 200
MAX_VALUES = 10**10  # more values than this in one array are a mistake or an attack
MAX_CLASSES = 1_000_000


class UnreadableError(InputError):
    """Damaged bytes, or another format than the file's name says (exit 2)."""


def refuse(path: Path, problems: Iterable[str]) -> None:
    """Raise one InputError with all problems of a file, if there are any."""
    if found := list(dict.fromkeys(problems)):
        raise InputError(
            f"{path} is not safe to open: {'; '.join(found)}",
            f"ask whoever made it for a clean one; see what is in it: dlkit inspect {path}",
        )


def require_file(path: Path) -> None:
    """Refuse what is no ordinary file, such as a pipe, which would never come to its end, and what may not be read."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if not stat.S_ISREG(mode):
        raise InputError(f"{path} is no ordinary file", "give a file that lies on the disk")
    try:
        path.open("rb").close()
    except OSError as error:
        raise denied(error) from error


def denied(error: OSError) -> MissingError:
    """What the system refused: one message with the place and the reason."""
    return MissingError(f"{error.filename}: {error.strerror}", "check that it is there and that you may use it")


def files_below(folder: Path) -> list[Path]:
    """All files below a folder, sorted; MissingError where a part of it cannot be read, which rglob would pass over."""

    def refuse_part(error: OSError) -> None:
        raise denied(error) from error

    found = (Path(here, name) for here, _, names in os.walk(folder, onerror=refuse_part) for name in names)
    return sorted(found)


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive; a damaged one is an InputError, whatever its parser raises."""
    require_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except InputError:
        raise
    except Exception as error:  # zipfile, zlib and struct raise a dozen kinds for damaged bytes
        raise UnreadableError(f"{path} is no readable archive: {first_line(error)}", "the file is damaged") from error


def zip_problems(path: Path) -> list[str]:
    """Members that would leave their place, and sizes that no honest archive has."""
    with open_zip(path) as archive:
        members = archive.infolist()
        problems = [f"{len(members):,} members, at most {MAX_MEMBERS:,} are allowed"] * (len(members) > MAX_MEMBERS)
        names = [member.filename for member in members]
        problems += [f"member {name!r} stands twice" for name in sorted(set(names)) if names.count(name) > 1][:5]
        problems += [text for member in members[:MAX_MEMBERS] for text in _member_problems(member)]
        return problems + _size_problems(sum(member.file_size for member in members), path.stat().st_size)


def _member_problems(member: zipfile.ZipInfo) -> list[str]:
    """A name outside the archive's own folder, a link, or an encrypted member."""
    problems = []
    if not safe_member_name(member.orig_filename):
        problems.append(f"member {member.orig_filename!r} would be written outside its folder")
    if stat.S_ISLNK(member.external_attr >> 16):
        problems.append(f"member {member.filename!r} is a symbolic link")
    if member.flag_bits & 1:
        problems.append(f"member {member.filename!r} is encrypted")
    return problems


def safe_member_name(name: str) -> bool:
    """Whether a member's name stays in its folder on every system."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or "\0" in name:
        return False
    return not parts[0].startswith("/") and ":" not in parts[0] and ".." not in parts


def _size_problems(unpacked: int, packed: int) -> list[str]:
    problems = []
    if unpacked > memory().total:
        problems.append(f"it unpacks to {byte_size(unpacked)}, this machine has {byte_size(memory().total)}")
    if unpacked > FREE_BYTES and unpacked > MAX_RATIO * packed:
        problems.append(
            f"it unpacks to {unpacked / max(packed, 1):,.0f} times its size, at most {MAX_RATIO} is allowed"
        )
    return problems


def links_out(folder: Path, paths: Iterable[Path] | None = None) -> list[Path]:
    """The symbolic links among `paths` (all below the folder, if not given) that lead out of the folder."""
    inside = folder.resolve()
    if paths is None:
        return [path for path in _links(folder) if not _target(path).is_relative_to(inside)]
    folders = {
        parent for path in paths for parent in path.parents if parent.is_relative_to(folder) and parent != folder
    }
    links = [path for path in [*sorted(folders), *paths] if path.is_symlink()]
    return [path for path in links if not _target(path).is_relative_to(inside)]


def _links(folder: Path) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        yield from (Path(here, name) for name in [*folders, *files] if Path(here, name).is_symlink())


def _target(link: Path) -> Path:
    try:
        return link.resolve()
    except (OSError, RuntimeError):  # a link that leads to itself
        return Path("/")


def check_links(folder: Path, paths: Iterable[Path] | None = None) -> None:
    """InputError that names the first symbolic link which leads out of the folder."""
    for link in links_out(folder, paths):
        raise InputError(
            f"{link} is a symbolic link out of {folder}, to {os.readlink(link)}",
            "copy what it points to into the folder, or remove the link",
        )


def check_folder(folder: Path) -> None:
    """InputError when something in a folder is a link out of it, a pipe or a device."""
    check_links(folder)
    for path in folder.rglob("*"):
        if not path.is_dir():
            require_file(path)


def first_line(error: Exception) -> str:
    """The first line of an exception that says something."""
    if isinstance(error, struct.error | EOFError | MemoryError):
        return "it ends too early"
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)[:200]
