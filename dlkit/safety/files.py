"""Check archives and links of unknown origin by their headers, before any other code opens them.

Functions named `..._problems` return what is dangerous in a file, and raise InputError when it is unreadable.
"""

import os
import stat
import struct
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from dlkit.errors import CheckError, DlkitError, InputError, MissingError
from dlkit.formatting import byte_size
from dlkit.machine.hardware import memory
from dlkit.process import command

MAX_MEMBERS = 100_000  # a snapshot contains several arrays per weight
# Files that unpack to more than FREE_BYTES may be at most MAX_RATIO times their packed size; deflate's limit is 1032.
FREE_BYTES, MAX_RATIO = 100_000_000, 200
MAX_VALUES = 10**10  # more values than this in one array indicate a mistake or an attack
MAX_CLASSES = 1_000_000
_LITTER_FOLDERS = {"__macosx", "@eadir", "#recycle", "$recycle.bin", "__pycache__", "lost+found"}
_LITTER = _LITTER_FOLDERS | {"thumbs.db", "ehthumbs.db", "desktop.ini"}


class UnreadableError(InputError):
    """A damaged file, or a format that does not match the file name (exit 2)."""


def refuse(path: Path, problems: Iterable[str]) -> None:
    """Raise one InputError with all problems of a file if there are any."""
    if found := list(dict.fromkeys(problems)):
        raise InputError(
            f"{path} is not safe to open: {'; '.join(found)}",
            f"ask its author for a clean file; to see its contents, run: {command('inspect', path)}",
        )


def require_file(path: Path) -> None:
    """Raise an error unless the path is a regular, readable file; reading a pipe, for example, might never end."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if not stat.S_ISREG(mode):
        raise InputError(f"{path} is not a regular file", "give a regular file on disk")
    try:
        path.open("rb").close()
    except OSError as error:
        raise denied(error) from error


def missing_file(path: Path, hint: str) -> DlkitError:
    """Return the error for a path at which there is no file."""
    if path.is_dir():
        return InputError(f"{path} is a folder, not a file", hint)
    return MissingError(f"no such file: {path}", hint)


def missing_folder(path: Path, hint: str) -> DlkitError:
    """Return the error for a path at which there is no folder."""
    if path.is_file():
        return InputError(f"{path} is a file, not a folder", hint)
    return MissingError(f"no such folder: {path}", hint)


def denied(error: OSError) -> MissingError:
    """Return a MissingError with the path and the reason of a failed system call."""
    return MissingError(f"{error.filename}: {error.strerror}", "check that it exists and that you have permission")


def is_litter(name: str) -> bool:
    """Return whether a file or folder is hidden, or one that systems and tools leave everywhere."""
    return name.startswith(".") or name.casefold() in _LITTER


def files_below(folder: Path) -> list[Path]:
    """Return all files below a folder, sorted, without litter.

    Raise MissingError for subfolders that cannot be read, which rglob would skip, and InputError for links to folders:
    they would be skipped as well, and may lead in circles.
    """

    def refuse_part(error: OSError) -> None:
        raise denied(error) from error

    found = []
    for here, folders, names in os.walk(folder, onerror=refuse_part):
        folders[:] = [name for name in folders if not is_litter(name)]
        for link in (Path(here, name) for name in sorted(folders) if Path(here, name).is_symlink()):
            raise InputError(
                f"{link} is a symbolic link to a folder, {os.readlink(link)}",
                "copy its target into the folder, or remove the link",
            )
        found += [Path(here, name) for name in names if not is_litter(name)]
    return sorted(found)


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive; raise InputError if it is damaged, whatever error the parser raises."""
    require_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except InputError:
        raise
    except Exception as error:  # zipfile, zlib and struct raise many kinds of errors for damaged bytes
        message = f"{path} is not a readable archive: {first_line(error)}"
        raise UnreadableError(message, "the file is damaged") from error


def zip_problems(path: Path) -> list[str]:
    """Return problems such as members outside the archive's folder and sizes that no genuine archive has."""
    with open_zip(path) as archive:
        members = archive.infolist()
        too_many = f"{len(members):,} members, but at most {MAX_MEMBERS:,} are allowed"
        problems = [too_many] * (len(members) > MAX_MEMBERS)
        names = Counter(member.filename for member in members)
        problems += [f"member {name!r} appears twice" for name in sorted(names) if names[name] > 1][:5]
        problems += [text for member in members[:MAX_MEMBERS] for text in _member_problems(member)]
        return problems + _size_problems(sum(member.file_size for member in members), path.stat().st_size)


def _member_problems(member: zipfile.ZipInfo) -> list[str]:
    """Return problems of one member: a name outside the archive's folder, a link, or encryption."""
    problems = []
    if not safe_member_name(member.orig_filename):
        problems.append(f"member {member.orig_filename!r} would be written outside its folder")
    if stat.S_ISLNK(member.external_attr >> 16):
        problems.append(f"member {member.filename!r} is a symbolic link")
    if member.flag_bits & 1:
        problems.append(f"member {member.filename!r} is encrypted")
    return problems


def safe_member_name(name: str) -> bool:
    """Return whether a member's name stays inside its folder on every operating system."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or "\0" in name:
        return False
    return not parts[0].startswith("/") and ":" not in parts[0] and ".." not in parts


def _size_problems(unpacked: int, packed: int) -> list[str]:
    problems = []
    if unpacked > memory().total:
        total = byte_size(memory().total)
        problems.append(f"it unpacks to {byte_size(unpacked)}, but this machine has {total} of memory")
    return problems + ratio_problems(unpacked, packed)


def ratio_problems(unpacked: int, packed: int) -> list[str]:
    """Return the problem of a file that unpacks to more bytes than honest data could."""
    if unpacked <= max(FREE_BYTES, MAX_RATIO * packed):
        return []
    return [f"it unpacks to {unpacked / max(packed, 1):,.0f} times its size, but at most {MAX_RATIO} is allowed"]


def links_out(folder: Path, paths: Iterable[Path] | None = None) -> list[Path]:
    """Return the symbolic links among `paths` (by default all below the folder) that lead out of the folder."""
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
    except (OSError, RuntimeError):  # a link to itself
        return Path("/")


def check_links(folder: Path, paths: Iterable[Path] | None = None) -> None:
    """Raise InputError for the first symbolic link that leads out of the folder."""
    for link in links_out(folder, paths):
        raise InputError(
            f"{link} is a symbolic link out of {folder}, to {os.readlink(link)}",
            "copy its target into the folder, or remove the link",
        )


def check_folder(folder: Path) -> None:
    """Raise InputError when a folder contains a link out of it, a pipe or a device."""
    check_links(folder)
    for path in folder.rglob("*"):
        if not path.is_dir():
            require_file(path)


def special_files(folder: Path) -> list[Path]:
    """Return the pipes, sockets and devices below a folder; reading one may never end."""
    return [path for path in sorted(folder.rglob("*")) if path.exists() and not (path.is_dir() or path.is_file())]


def first_line(error: Exception) -> str:
    """Return the first non-empty line of an exception's message, or its type if there is none."""
    if isinstance(error, struct.error | EOFError | MemoryError):
        return "unexpected end of file"
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)[:200]


def refuse_export(path: Path, problems: Iterable[str]) -> None:
    """Raise CheckError that names the problems of an exported model, each once; do nothing without any."""
    found = dict.fromkeys(problems)
    if found:
        raise CheckError(
            f"{path} was not loaded: {'; '.join(found)}",
            f"export the run again; to see the file's contents, run: {command('inspect', path)}",
        )
