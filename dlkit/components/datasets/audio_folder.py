"""A folder of recordings with a transcript for each."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from dlkit.components.datasets._recordings import Facts, examined, stamp
from dlkit.components.datasets._split_folders import split_folders
from dlkit.components.datasets._transcripts import Said, by_folder, by_pattern, by_table, spelled
from dlkit.components.datasets._unreadable import grouped
from dlkit.errors import InputError, MissingError, closest
from dlkit.files.cache import cached_arrays, new_array
from dlkit.interfaces.data import ArraySpec, DataPath, Description, Resizer, Split, check_split, seeded_split
from dlkit.interfaces.ragged import Ragged
from dlkit.media.audio import SUFFIXES, read_audio
from dlkit.media.folders import Listing, listed, passed_over
from dlkit.process import SKIP_BAD, whole_number
from dlkit.safety.files import check_links, missing_folder


@dataclass(frozen=True, kw_only=True)
class AudioFolder:
    """WAV and FLAC recordings of any length in a folder, or in its folders train, validation and test.

    The transcript of a recording is its field {text} in the `pattern` of the files' names, such as
    '{text}_{speaker}_{take}'; its row in the CSV file `transcripts` (columns file, text and, if you like, speaker); or
    without both the name of its folder. `words` replaces whole transcripts, such as {"7": seven}. Transcripts consist
    of the characters of `alphabet`. Channels are averaged, and files of another rate than `sampling_rate` (Hz) are
    resampled. Without split folders, a seeded fraction `test_fraction` is held out as test. `test_speakers` are left
    out of train, and only they are in test.
    """

    directory: DataPath
    sampling_rate: Annotated[int, Field(ge=1000, le=192_000)] = 16_000
    pattern: str | None = None
    transcripts: DataPath | None = None
    alphabet: Annotated[str, Field(min_length=2)] = " 'abcdefghijklmnopqrstuvwxyz"
    words: dict[str, str] = field(default_factory=dict)
    lowercase: bool = False
    test_speakers: list[str] = field(default_factory=list)
    test_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.2
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    def __post_init__(self) -> None:
        if self.pattern is not None and self.transcripts is not None:
            raise InputError("audio_folder takes pattern or transcripts, not both", "remove one of them")

    @cached_property
    def _roots(self) -> dict[str, Path]:
        """The folder of every split, or the directory itself as train."""
        root = Path(self.directory)
        if not root.is_dir():
            raise missing_folder(
                root,
                "create one with recordings, or give its path: --set data.source.audio_folder.directory=PATH",
            )
        return split_folders(root, "<recording>", SUFFIXES) or {"train": root}

    @cached_property
    def _found(self) -> dict[str, Listing]:
        found = {split: listed(folder, SUFFIXES) for split, folder in self._roots.items()}
        check_links(Path(self.directory), [path for listing in found.values() for path in listing.images])
        for split, listing in found.items():
            if not listing.images:
                folder = self._roots[split]
                others = "".join(f"; {text}" for text in passed_over(folder, listing.others, SUFFIXES))
                raise MissingError(f"no recordings in {folder}{others}", "supported file types: .flac, .wav")
        return found

    @cached_property
    def _said(self) -> dict[Path, Said]:
        paths = [path for listing in self._found.values() for path in listing.images]
        if self.transcripts is not None:
            return by_table(Path(self.transcripts), Path(self.directory), paths)
        return by_pattern(self.pattern, paths) if self.pattern is not None else by_folder(paths)

    @cached_property
    def _texts(self) -> dict[Path, str]:
        """The transcripts of the recordings that have a valid one."""
        return {path: text for path, text in self._spelled.items() if isinstance(text, str)}

    @cached_property
    def _spelled(self) -> dict[Path, str | InputError]:
        def one(said: Said) -> str | InputError:
            try:
                return spelled(said.text, self.alphabet, self.words, self.lowercase)
            except InputError as error:
                return error

        return {path: one(said) for path, said in self._said.items()}

    @cached_property
    def recordings(self) -> dict[Path, Facts]:
        """Return what is known of every readable file."""
        return {path: facts for path, facts in self._examined.items() if isinstance(facts, Facts)}

    @cached_property
    def _examined(self) -> dict[Path, Facts | str]:
        return examined(list(self._said))

    @cached_property
    def problems(self) -> dict[Path, str]:
        """Return the problems of bad recordings in all splits: unreadable ones, and unusable transcripts."""
        found = {path: reason for path, reason in self._examined.items() if isinstance(reason, str)}
        for path, error in self._spelled.items():
            if isinstance(error, InputError) and path not in found:
                found[path] = f"{path}: {error}; {error.problems[0].hint}"
        return found

    @cached_property
    def left_out(self) -> tuple[Path, ...]:
        """Return the bad recordings that are skipped; raise InputError if DLKIT_SKIP_BAD allows fewer."""
        if len(self.problems) > (whole_number(SKIP_BAD) or 0):
            raise InputError(
                grouped(self.problems),
                "fix or remove them (`dlkit data RECIPE` lists all), or skip some with --skip-bad",
            )
        return tuple(self.problems)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return messages about files of other kinds."""
        others = [path for listing in self._found.values() for path in listing.others]
        transcripts = {Path(self.transcripts).resolve()} if self.transcripts is not None else set()
        others = [path for path in others if path.resolve() not in transcripts]
        return tuple(passed_over(Path(self.directory), others, SUFFIXES))

    @cached_property
    def _splits(self) -> dict[str, list[Path]]:
        """The recordings of every split, including bad ones."""
        parts = {split: listing.images for split, listing in self._found.items()}
        if self.test_speakers:
            return self._without_speakers(parts)
        if len(self._roots) > 1 or self.test_fraction == 0 or "train" not in parts:
            return parts
        whole = parts["train"]
        kept, held = seeded_split(np.zeros(len(whole)), self.test_fraction, self.seed, stratify=False)
        return {name: [whole[i] for i in part] for name, part in (("train", kept), ("test", held))}

    def _without_speakers(self, parts: dict[str, list[Path]]) -> dict[str, list[Path]]:
        """Return the splits with test_speakers only in test, and no others there."""
        known = sorted({said.speaker for said in self._said.values()} - {""})
        for speaker in self.test_speakers:
            if speaker not in known:
                advice = closest(speaker, known) if known else "name them: a field {speaker} in the pattern"
                raise InputError(f"no recording of the speaker {speaker!r}", advice)
        chosen = set(self.test_speakers)
        tested = parts.get("test", parts["train"])
        return {split: [p for p in paths if self._said[p].speaker not in chosen] for split, paths in parts.items()} | {
            "test": [path for path in tested if self._said[path].speaker in chosen]
        }

    def _usable(self, split: str) -> list[Path]:
        bad = set(self.left_out)
        found = [path for path in self._splits[split] if path not in bad]
        if not found:
            raise InputError(f"split {split!r} of {self.directory} has no usable recording", "add some")
        return found

    def speaker(self, path: Path) -> str:
        """Return who speaks in a recording, empty if that is not known."""
        return self._said[path].speaker

    def describe(self) -> Description:
        """Return waveforms of any length as inputs, and the characters of the alphabet as classes."""
        inputs, targets = ArraySpec((None,), "float32"), ArraySpec((None,), "int32")
        present = Path(self.directory).is_dir()
        splits = {name: len(self._usable(name)) for name in self._splits} if present else {}
        return Description(inputs, targets, tuple(self.alphabet), splits, sampling_rate=self.sampling_rate)

    def check_present(self) -> None:
        """Raise MissingError or InputError unless there are recordings with transcripts."""
        _ = self._splits

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return float32 samples, from -1 to 1, and the indices of the transcripts' characters, padded with -1."""
        check_split(split, list(self._splits))
        paths = self._usable(split)
        key = {"audio": stamp(paths), "sampling_rate": self.sampling_rate}
        arrays = cached_arrays(key, lambda aside: self._decode(paths, aside))
        lengths = np.asarray(arrays["lengths"])
        inputs = Ragged(arrays["samples"], np.cumsum(lengths) - lengths, lengths)
        targets = Ragged.of([self._labels(path) for path in paths], padding=-1)
        return Split(inputs, targets, names=np.array([str(path) for path in paths]))

    def _labels(self, path: Path) -> np.ndarray:
        return np.asarray([self.alphabet.index(letter) for letter in self._texts[path]], np.int32)

    def _decode(self, paths: list[Path], aside: Path) -> None:
        def read(path: Path) -> Any:
            return read_audio(path, self.sampling_rate)

        with ThreadPoolExecutor() as pool:
            lengths = np.asarray([len(samples) for samples in pool.map(read, paths)], np.int64)
            out = new_array(aside / "samples.npy", np.float32, (int(lengths.sum()),))
            start = 0
            for samples in pool.map(read, paths):
                out[start : start + len(samples)] = samples
                start += len(samples)
        out.flush()
        np.save(aside / "lengths.npy", lengths)
