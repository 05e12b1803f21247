"""Texts from files: one per line or one per file, in a declared encoding, and every broken file named."""

import re

import numpy as np
import pytest

from dlkit.components.datasets.text_folder import TextFolder
from dlkit.components.datasets.text_lines import TextLines
from dlkit.errors import InputError, MissingError
from dlkit.interfaces.data import ArraySpec


def lines(folder, **settings):
    return TextLines(directory=str(folder), **{"files": {"bad": "bad.txt", "good": "good.txt"}} | settings)


def write_lines(folder, bad=b"dull\nlong\nloud\n", good=b"great\nfine\ntop"):
    (folder / "bad.txt").write_bytes(bad)
    (folder / "good.txt").write_bytes(good)


def test_lines_are_texts_of_the_class_of_their_file(tmp_path):
    write_lines(tmp_path, bad="caf\u00e9 \u2026\r\nlong\tloud\n\u201cdull\u201d".encode("cp1252"))
    dataset = lines(tmp_path, encoding="cp1252", test_fraction=0)
    split, found = dataset.load("train", None), dataset.describe()
    texts = ["caf\u00e9 \u2026", "long\tloud", "\u201cdull\u201d", "great", "fine", "top"]
    assert [text.decode() for text in split.inputs] == texts
    assert split.targets.tolist() == [0, 0, 0, 1, 1, 1]
    assert split.name(2, "train") == f"{tmp_path / 'bad.txt'}:3"
    assert (found.inputs, found.class_names, found.splits) == (ArraySpec((), "string"), ("bad", "good"), {"train": 6})


def test_a_test_split_is_held_out_or_has_files_of_its_own(tmp_path):
    write_lines(tmp_path)
    (tmp_path / "more.txt").write_text("what\n")
    dataset = lines(tmp_path, test_files={"good": "more.txt", "bad": "good.txt"})
    assert dataset.describe().splits == {"train": 6, "test": 4}
    assert dataset.load("test", None).targets.tolist() == [0, 0, 0, 1]
    held = lines(tmp_path, test_fraction=1 / 3, seed=1)
    assert sorted(held.load("test", None).targets) == [0, 1]
    both = np.concatenate([held.load(name, None).inputs[:] for name in ("train", "test")])
    assert sorted(both) == sorted(lines(tmp_path, test_fraction=0).load("train", None).inputs[:])


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (b"fine\n\xff\n", r"bad.txt:2: byte 0xff cannot be read as utf-8"),
        (b"", r"bad.txt is empty"),
        (b"one\n   \nthree\n", r"bad.txt:2: the text is empty"),
        (b"one\ntwo\x00\n", r"bad.txt:2: character 4 is the control character U\+0000"),
        (b"one\n\xc2\x85two\n", r"bad.txt:2: character 1 is the control character U\+0085"),
        (b"a" * 100_001, r"bad.txt:1: the text has 100,001 characters, but at most 100,000 are allowed"),
    ],
)
def test_broken_lines_are_named(tmp_path, bad, says):
    write_lines(tmp_path, bad)
    with pytest.raises(InputError, match=says):
        lines(tmp_path).describe()


def test_settings_that_cannot_work_are_refused(tmp_path):
    for settings, says in (
        ({"files": {"bad": "bad.txt"}}, "text_lines has 1 class"),
        ({"encoding": "windows"}, "there is no encoding 'windows'"),
        ({"encoding": "base64"}, "there is no encoding 'base64'"),
        ({"encoding": "undefined"}, "there is no encoding 'undefined'"),
        ({"encoding": "a\0b"}, "there is no encoding"),
        ({"test_files": {"bad": "x"}}, "test_files has the classes bad, but files has bad, good"),
    ):
        with pytest.raises(InputError, match=re.escape(says)):
            lines(tmp_path, **settings)
    with pytest.raises(MissingError, match=r"no such file: .*bad.txt"):
        lines(tmp_path).describe()


def write_folder(root, texts):
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)


def test_files_are_texts_of_the_class_of_their_folder(tmp_path):
    write_folder(tmp_path, {"good/1.txt": b"great\nfilm\n", "good/2.txt": "\ufefftop".encode(), "bad/1.txt": b"dull"})
    write_folder(tmp_path, {"bad/2.txt": b"long", "bad/notes.md": b"", "good/.DS_Store": b""})
    dataset = TextFolder(directory=str(tmp_path), test_fraction=0)
    assert [text.decode() for text in dataset.load("train", None).inputs] == ["dull", "long", "great film", "top"]
    assert dataset.describe().class_names == ("bad", "good")
    assert dataset.notes == (f"1 file in {tmp_path} not read: 1 .md (read: .txt)",)
    held = TextFolder(directory=str(tmp_path), test_fraction=0.5).describe()
    assert held.splits == {"train": 2, "test": 2}


def test_split_folders_have_the_classes_of_train(tmp_path):
    write_folder(tmp_path, {f"{split}/{name}/1.txt": b"a" for split in ("train", "val") for name in ("x", "y")})
    assert TextFolder(directory=str(tmp_path)).describe().splits == {"train": 2, "validation": 2}
    write_folder(tmp_path, {"val/z/1.txt": b"a"})
    with pytest.raises(InputError, match="val has class folders that train does not have: z"):
        TextFolder(directory=str(tmp_path)).describe()


@pytest.mark.parametrize(
    ("texts", "error", "says"),
    [
        ({}, MissingError, "no such folder"),
        ({"x/1.txt": b"a"}, InputError, "has 1 class"),
        ({"x/1.txt": b"a", "y/1.md": b"a"}, MissingError, r"no texts in .*y"),
        ({"x/1.txt": b"a", "y/1.txt": b" \n"}, InputError, r"y/1.txt: the text is empty"),
        ({"x/1.txt": b"a\nb\n\xe9", "y/1.txt": b"a"}, InputError, r"x/1.txt:3: byte 0xe9 cannot be read as utf-8"),
    ],
)
def test_broken_folders_are_named(tmp_path, texts, error, says):
    write_folder(tmp_path / "t", texts)
    with pytest.raises(error, match=says):
        TextFolder(directory=str(tmp_path / "t")).describe()
