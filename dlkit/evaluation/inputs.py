"""Read the inputs of predict and encode: files and folders as resized examples, with a reader per kind of file."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.data.splits import not_finite
from dlkit.errors import InputError, MissingError
from dlkit.evaluation.request import check_inputs
from dlkit.formatting import first_few
from dlkit.interfaces.data import ArraySpec, TextFiles
from dlkit.interfaces.exporter import takes_images
from dlkit.media.arrays import check_numbers, converted, read_npy, read_npz, read_sequences
from dlkit.media.audio import SUFFIXES as AUDIO_SUFFIXES
from dlkit.media.audio import read_audio
from dlkit.media.folders import SUFFIXES, listed, passed_over
from dlkit.media.images import read_image
from dlkit.media.table_inputs import read_inputs
from dlkit.media.tables import read_table
from dlkit.media.text import SUFFIXES as TEXT_SUFFIXES
from dlkit.media.text import read_lines, read_whole
from dlkit.model.built import BuiltModel
from dlkit.safety.files import check_links

AHEAD, SHOWN = 256, 10

Named = tuple[str, np.ndarray]


@dataclass(frozen=True)
class Reader:
    """Reads one kind of file as named examples, resized for a built model."""

    suffixes: frozenset[str]
    read: Callable[[BuiltModel, Path], Iterable[Named]]


def named_examples(built: BuiltModel, inputs: list[Path]) -> Iterator[Named]:
    """Yield the resized examples in files and folders, each with the name of its file, or of its file and row."""
    check_inputs(inputs)
    with ThreadPoolExecutor() as pool:
        for path in inputs:
            yield from _folder(built, path, pool) if path.is_dir() else _reader(path).read(built, path)


def inputs_passed_over(inputs: list[Path]) -> list[str]:
    """Return messages about the files in given folders that are not read."""
    found = [(path, listed(path)) for path in inputs if path.is_dir()]
    return [text for path, here in found if here.images for text in passed_over(path, here.others)]


def takes_texts(spec: ArraySpec) -> bool:
    """Return whether every raw example is one text."""
    return spec == ArraySpec((), "string")


def _other_kind(built: BuiltModel, given: str) -> InputError:
    """Return the error for an input of another kind than the model takes; given: such as `a.jpg is an image`."""
    spec, table = built.raw_spec, built.description.table
    shape = _shown(spec)
    if table is not None:
        takes, hint = f"rows of a table: {first_few(table.names, SHOWN)}", "give a .csv file with these columns"
    elif takes_texts(spec):
        takes, hint = "texts", "give a .txt file"
    elif built.sampling_rate is not None:
        takes, hint = "recordings", f"give files that end in {', '.join(sorted(AUDIO_SUFFIXES))}"
    elif takes_images(spec):
        takes, hint = "images", f"give image files, or an .npy file of shape {shape}, one for each example"
    else:
        takes = f"{spec.dtype} of shape {shape}"
        hint = "give an .npz file with an array x of that shape, or an .npy file"
    return InputError(f"{given}, but this model takes {takes}", hint)


def _reader(path: Path) -> Reader:
    """Return the reader for a file's suffix; files with an unknown suffix are read as images."""
    return next((reader for reader in READERS if path.suffix.lower() in reader.suffixes), _IMAGES)


def _folder(built: BuiltModel, path: Path, pool: Executor) -> Iterator[Named]:
    """Yield the images, recordings or texts below a folder, as the model takes them, decoded while it runs."""
    if takes_texts(built.raw_spec):
        yield from _texts_below(built, path)
        return
    if built.sampling_rate is None and not takes_images(built.raw_spec):
        raise _other_kind(built, f"{path} is a folder")
    kind, reader = ("images", _IMAGES) if built.sampling_rate is None else ("recordings", _RECORDINGS)
    files = listed(path, reader.suffixes).images
    if not files:
        raise MissingError(f"no {kind} in {path}", f"{kind} end in {', '.join(sorted(reader.suffixes))}")
    check_links(path, files)
    for examples in _read_ahead(pool, lambda file: reader.read(built, file), files):
        yield from examples


def _texts_below(built: BuiltModel, path: Path) -> Iterator[Named]:
    files = listed(path, TEXT_SUFFIXES).images
    if not files:
        raise MissingError(f"no texts in {path}", "texts are files that end in .txt")
    check_links(path, files)
    for file in files:
        yield from _read_texts(built, file)


def _read_texts(built: BuiltModel, path: Path) -> Iterator[Named]:
    """Yield the texts of a file, one or one per line as in training, encoded as UTF-8."""
    how = built.description.text or TextFiles()
    whole = how.unit == "file"
    texts = [(str(path), read_whole(path, how.encoding))] if whole else read_lines(path, how.encoding)
    yield from ((place, np.asarray(text.encode())) for place, text in texts)


def _read_ahead(pool: Executor, function: Callable[[Path], Any], items: Iterable[Path]) -> Iterator[Any]:
    """Yield function(item) for each item in order, computed at most AHEAD items in advance."""
    waiting: deque[Future[Any]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) > AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _read_image(built: BuiltModel, path: Path) -> list[Named]:
    spec = built.raw_spec
    if not takes_images(spec):
        is_image = path.suffix.lower() in SUFFIXES
        raise _other_kind(built, f"{path} is an image" if is_image else f"{path} is of no known kind")
    pixels = read_image(path, spec.shape[-1] or 3, built.resize)
    if built.resize is None:
        _check_shape(spec, pixels.shape, str(path))
    return [(str(path), pixels)]


def _read_recording(built: BuiltModel, path: Path) -> list[Named]:
    """Return a WAV or FLAC file at the model's sampling rate; raise InputError for one that is shorter than a frame."""
    if built.sampling_rate is None:
        raise _other_kind(built, f"{path} is a recording")
    samples = read_audio(path, built.sampling_rate)
    if not built.frames(samples):
        raise InputError(f"{path} is too short: its {len(samples):,} samples give no frame", "give a longer recording")
    return [(str(path), samples)]


def _read_rows(built: BuiltModel, path: Path) -> list[Named]:
    """Return the rows of an .npy file, or of the array x of an .npz file."""
    if built.raw_spec.dtype == "string":
        raise _other_kind(built, f"{path} contains arrays")
    if built.raw_spec.is_sequence:
        return _read_sequences(built, path)
    is_npy = path.suffix == ".npy"
    (array,), name = ([read_npy(path)], str(path)) if is_npy else (read_npz(path, ["x"]), f"{path}: x")
    check_numbers(array, name)
    rows = converted(array, built.raw_spec.dtype, name)
    _check_shape(built.raw_spec, rows.shape[1:], str(path))
    resized = built.resize(rows) if built.resize else rows
    for index in not_finite(resized):
        raise InputError(f"{path}[{index}] contains NaN or infinity", "clean the row, or remove it")
    return [(f"{path}[{index}]", row) for index, row in enumerate(resized)]


def _read_sequences(built: BuiltModel, path: Path) -> list[Named]:
    """Return the sequences of an .npz file with arrays x and lengths, or of an array in which all have one length."""
    sequences = read_sequences(path, built.raw_spec.dtype, "x")
    _check_shape(built.raw_spec, (None, *sequences.shape[2:]), str(path))
    for index in not_finite(sequences):
        raise InputError(f"{path}[{index}] contains NaN or infinity", "clean the row, or remove it")
    return [(f"{path}[{index}]", sequences[index]) for index in range(len(sequences))]


def _check_shape(spec: ArraySpec, shape: tuple[int | None, ...], name: str) -> None:
    """Raise InputError when the shape of an example does not fit the model."""
    if not spec.fits(shape):
        wanted = _shown(spec)
        hint = "resize it first, or train with data.resize"
        if len(shape) == len(wanted) - 1 and wanted[-1] == 1:
            hint = "its last axis, the channel, is missing: save array[..., None]"
        raise InputError(f"{name} has the shape {list(shape)}, but this model takes {wanted}", hint)


def _shown(spec: ArraySpec) -> list[int | str]:
    """Return the shape of an example for a message."""
    return [size if size is not None else "any" for size in spec.shape]


def _read_table(built: BuiltModel, path: Path) -> list[Named]:
    """Return the rows of a table, each with its line; columns are matched by name, and the target may be missing.

    For a model of texts that was not trained on a table, a .txt file has texts.
    """
    if built.description.table is None and takes_texts(built.raw_spec):
        if path.suffix.lower() != ".txt":
            raise _other_kind(built, f"{path} is a table")
        return list(_read_texts(built, path))
    table = built.description.table
    if table is None:
        raise _other_kind(built, f"{path} is a {'text' if path.suffix.lower() == '.txt' else 'table'}")
    text = read_table(path, table.delimiter, "")
    return [(text.place(row), example) for row, example in enumerate(read_inputs(text, table))]


_IMAGES = Reader(frozenset(SUFFIXES), _read_image)
_RECORDINGS = Reader(AUDIO_SUFFIXES, _read_recording)
READERS = (
    _IMAGES,
    _RECORDINGS,
    Reader(frozenset({".npy", ".npz"}), _read_rows),
    Reader(frozenset({".csv", ".tsv", ".txt"}), _read_table),
)
