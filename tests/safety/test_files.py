"""Foreign files are refused by their headers: archives, arrays, HDF5 files, links and images."""

import io
import os
import struct
import zipfile

import h5py
import numpy as np
import pytest
from PIL import Image

from dlkit.components.datasets.arrays import Arrays
from dlkit.components.datasets.csv import Csv
from dlkit.components.datasets.declared import Declared
from dlkit.components.datasets.image_folder import ImageFolder
from dlkit.errors import InputError
from dlkit.formatting import byte_size
from dlkit.machine.hardware import memory
from dlkit.safety import files
from dlkit.safety.arrays import array_headers, check_arrays
from dlkit.safety.files import UnreadableError, check_links, links_out, require_file, zip_problems
from dlkit.safety.h5 import h5_contents
from dlkit.safety.images import declared_pixels


def zipped(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/evil", "a/../../evil", "..\\evil", "C:\\evil", "C:/evil", "\\\\host\\evil"]
)
def test_members_outside_the_folder_are_refused(tmp_path, name):
    path = zipped(tmp_path / "x.zip", {zipfile.ZipInfo(name): b"x"})
    assert zip_problems(path) == [f"member {name!r} would be written outside its folder"]


def test_an_honest_archive_has_no_problems(tmp_path):
    assert zip_problems(zipped(tmp_path / "x.zip", {"a/b.txt": b"x", "..a": b"y"})) == []


def test_links_bombs_doubles_and_too_many_members(tmp_path, monkeypatch):
    link = zipfile.ZipInfo("assets/link")
    link.external_attr = 0o120777 << 16
    assert zip_problems(zipped(tmp_path / "link.zip", {link: b"/etc"})) == ["member 'assets/link' is a symbolic link"]
    bomb = zipped(tmp_path / "bomb.zip", {"zeros": b"\0" * 120_000_000}, zipfile.ZIP_DEFLATED)
    (problem,) = zip_problems(bomb)
    assert problem.startswith("it unpacks to 1,0")
    assert problem.endswith("times its size, but at most 200 is allowed")
    many = zipped(tmp_path / "many.zip", {str(number): b"" for number in range(101)})
    monkeypatch.setattr(files, "MAX_MEMBERS", 100)
    assert zip_problems(many) == ["101 members, but at most 100 are allowed"]
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"2")
    assert zip_problems(tmp_path / "two.zip") == ["member 'a' appears twice"]


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + b"\0" * 17, b"PK\x03\x04" + b"\xff" * 60])
def test_damaged_archives_are_named(tmp_path, content):
    (tmp_path / "bad.zip").write_bytes(content)
    with pytest.raises(UnreadableError, match=r"bad\.zip is not a readable archive"):
        zip_problems(tmp_path / "bad.zip")


def test_pipes_and_folders_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(InputError, match="is not a regular file"):
            require_file(path)


def header(shape, dtype="<f4"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (header((3,)) + b"\0" * 8, "it declares 12 bytes but contains 8"),
        (header((10**6, 10**6)), "it declares 1e+12 values, but at most 1e+10 are allowed"),
        (header((1,), "|O") + b"cos\n", "it contains Python objects, which can only be loaded with pickle"),
        (header((-1,)), r"it declares the invalid shape \[-1\]"),
    ],
)
def test_array_headers_that_promise_too_much(tmp_path, content, reason):
    (tmp_path / "x.npy").write_bytes(content)
    zipped(tmp_path / "x.npz", {"x.npy": content})
    for name in ("x.npy", "x.npz"):
        with pytest.raises(InputError, match="not safe to open.*" + reason.replace("+", r"\+")):
            check_arrays(tmp_path / name)


def test_honest_arrays_are_described_and_damaged_ones_named(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros((5, 2), np.uint8), y=np.arange(5))
    headers, problems = array_headers(tmp_path / "x.npz")
    assert {name: (item.shape, item.dtype) for name, item in headers.items()} == {
        "x": ((5, 2), "uint8"),
        "y": ((5,), "int64"),
    }
    assert problems == []
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY\x01\x00\x10\x00" + b"(" * 16)
    with pytest.raises(UnreadableError, match=r"bad\.npy: unreadable array header"):
        array_headers(tmp_path / "bad.npy")


def test_datasets_check_their_files_first(tmp_path):
    zipped(tmp_path / "train.npz", {"x.npy": header((10**6, 10**6)), "y.npy": header((10**6,))})
    with pytest.raises(InputError, match="not safe to open"):
        Arrays(train=str(tmp_path / "train.npz")).describe()
    (tmp_path / "x_train.npy").write_bytes(header((10**6,)))
    (tmp_path / "y_train.npy").write_bytes(header((10**6,)))
    with pytest.raises(InputError, match="declares 4,000,000 bytes but contains 0"):
        Arrays(directory=str(tmp_path)).describe()
    for name, content in {"wide": b"a,b\n1,2,3\n", "narrow": b"a,b\n1\n"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match="more or fewer columns than the header"):
            Csv(file=str(tmp_path / name), target="b").describe()
    (tmp_path / "latin").write_bytes(b"a,b\n\xe9,1\n")
    with pytest.raises(InputError, match="latin:2: byte 0xe9 is not UTF-8, so this is not a readable table"):
        Csv(file=str(tmp_path / "latin"), target="b").describe()


def test_absurd_declarations_are_errors():
    with pytest.raises(InputError, match=r"the declared shape has 1e\+12 values"):
        Declared(shape=[10**6, 10**6])
    with pytest.raises(InputError, match="2,000,000 classes or targets are declared"):
        Declared(shape=[4], classes=2_000_000)
    for dataset in (lambda: Arrays(train="x.npz", classes=10**9), lambda: ImageFolder(directory="x", classes=10**9)):
        with pytest.raises(InputError, match="1,000,000,000 classes are declared"):
            dataset()
    assert Declared(shape=[227, 227, 3], classes=1000).describe().inputs.shape == (227, 227, 3)


def test_weights_are_bounded_before_they_are_allocated():
    import keras

    from dlkit.safety.weight_limits import bounded_weights

    original = keras.Layer.add_weight
    with bounded_weights():
        assert keras.layers.Dense(3)(keras.Input((4,))).shape == (None, 3)
        with pytest.raises(InputError, match="Dense big brings the network to 4,000,000,000,"):
            keras.layers.Dense(10**12, name="big")(keras.Input((4,)))
    assert keras.Layer.add_weight is original


def test_h5_links_and_values_in_other_files(tmp_path):
    (tmp_path / "values").write_bytes(b"\0" * 64)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["fine"] = np.zeros((2, 3), np.float32)
        file["outside"] = h5py.ExternalLink("/etc/other.h5", "/secret")
        file["soft"] = h5py.SoftLink("/fine")
        file.create_dataset("raw", (8,), "f8", external=[(str(tmp_path / "values"), 0, 64)])
        layout = h5py.VirtualLayout((2,), "f4")
        layout[0] = h5py.VirtualSource("other.h5", "x", (1,))[0]
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("huge", (10**9, 10**3), "f8", chunks=(1000, 1000))
        file["circle"] = file["/"]
    found = h5_contents(tmp_path / "x.h5", "x.h5")
    assert found.datasets["/fine"] == [2, 3]
    assert found.problems.pop().startswith("it unpacks to ")
    assert set(found.problems) == {
        "/outside is a ExternalLink to /etc/other.h5:/secret",
        "/soft is a SoftLink to /fine",
        f"/raw stores its values in another file, {tmp_path / 'values'}",
        "/virtual is assembled from other files, other.h5",
        f"/huge declares 8,000 GB, but this machine has {byte_size(memory().total)} of memory",
        "it declares 1e+12 values, but at most 1e+10 are allowed",
    }
    with pytest.raises(UnreadableError, match=r"y\.h5 is not a readable HDF5 file"):
        h5_contents(io.BytesIO(b"\x89HDF\r\n\x1a\n" + b"\0" * 100), "y.h5")


def test_links_out_of_a_folder_are_named_and_inner_ones_are_not(tmp_path):
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").touch()
    (folder / "sub" / "inner").symlink_to("../a.txt")
    assert links_out(folder) == []
    (folder / "sub" / "outer").symlink_to("../../elsewhere")
    (folder / "loop").symlink_to("loop")
    (folder / "other").symlink_to("..", target_is_directory=True)
    assert set(links_out(folder)) == {folder / "sub" / "outer", folder / "loop", folder / "other"}
    with pytest.raises(InputError, match=r"sub/outer is a symbolic link out of .*folder, to \.\./\.\./elsewhere"):
        check_links(folder, [folder / "sub" / "outer"])


def test_pictures_are_not_read_through_links(tmp_path):
    for place in ("photos/cats", "photos/dogs", "private"):
        (tmp_path / place).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(tmp_path / place / "1.png")
    dataset = ImageFolder(directory=str(tmp_path / "photos"), test_fraction=0)
    assert dataset.describe().splits == {"train": 2}
    (tmp_path / "photos" / "cats" / "2.png").symlink_to(tmp_path / "private" / "1.png")
    with pytest.raises(InputError, match=r"cats/2\.png is a symbolic link out of"):
        ImageFolder(directory=str(tmp_path / "photos"), test_fraction=0).describe()


def encoded(kind, size=(7, 5), **settings):
    stream = io.BytesIO()
    Image.new("RGB", size, "red").save(stream, kind, **settings)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("GIF", {}),
        ("BMP", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
    ],
)
def test_pixels_are_counted_from_headers(kind, settings):
    content = encoded(kind, **settings)
    assert declared_pixels(content) == 35
    assert declared_pixels(content[:8]) is None


def gif_of(*frames):
    """A GIF with a screen of one pixel and frames of any width and height, without their pixels."""
    parts = [b"\x2c" + struct.pack("<HHHHB", 0, 0, *size, 0) + b"\x02\0" for size in frames]
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + b"".join(parts) + b"\x3b"


def test_a_gif_counts_as_the_area_that_contains_every_frame():
    frames = [Image.new("RGB", (7, 5), colour) for colour in ("green", "blue")]
    assert declared_pixels(encoded("GIF", save_all=True, append_images=frames)) == 35
    assert declared_pixels(gif_of((20000, 1), (1, 20000))) == 20000 * 20000


def png_of(width, height):
    content = bytearray(encoded("PNG"))
    content[16:24] = struct.pack(">II", width, height)
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        png_of(50_000, 50_000),
        png_of(2**31 - 1, 2**31 - 1),
        encoded("BMP")[:18] + struct.pack("<ii", 65_000, -65_000) + encoded("BMP")[26:],
        encoded("GIF")[:6] + struct.pack("<HH", 65_535, 65_535) + encoded("GIF")[10:],
    ],
)
def test_decompression_bombs_are_refused_before_decoding(tmp_path, content, monkeypatch):
    from dlkit.media import images

    monkeypatch.setattr(images, "decode", lambda *_: pytest.fail("decoded"))
    (tmp_path / "bomb.png").write_bytes(content)
    with pytest.raises(InputError, match=r"bomb\.png declares [\d,]+ pixels, but at most 100,000,000 are allowed"):
        images.read_image(tmp_path / "bomb.png", 3)


def test_encrypted_members_are_refused(tmp_path):
    path = zipped(tmp_path / "x.zip", {"a": b"x"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag of the directory's entry
    path.write_bytes(content)
    assert zip_problems(path) == ["member 'a' is encrypted"]


def test_objects_within_a_record_are_pickles_too(tmp_path):
    (tmp_path / "x.npy").write_bytes(header((1,), [("a", "<f4"), ("b", "|O")]) + b"\0" * 12)
    with pytest.raises(InputError, match="it contains Python objects"):
        check_arrays(tmp_path / "x.npy")


def test_the_largest_frame_of_a_jpeg_counts():
    content = encoded("JPEG")
    at = content.index(b"\xff\xc0")
    large = content[at : at + 5] + struct.pack(">HH", 60_000, 50_000) + content[at + 9 : at + 19]
    assert declared_pixels(content[:at] + large + content[at:]) == 3_000_000_000


def test_weights_count_together(monkeypatch):
    import keras

    from dlkit.safety import weight_limits

    monkeypatch.setattr(weight_limits, "MAX_VALUES", 100)
    inputs = keras.Input((8,))
    with weight_limits.bounded_weights():
        keras.layers.Dense(7, name="first")(inputs)  # 63 values
        with pytest.raises(InputError, match="Dense second brings the network to 119 values, but at most 100"):
            keras.layers.Dense(7, name="second")(inputs)


def test_compressed_weights_and_references(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "FREE_BYTES", 100_000)
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        file.create_dataset("zeros", data=np.zeros(1_000_000, np.float32), compression="gzip", chunks=(1_000_000,))
    (problem,) = h5_contents(tmp_path / "bomb.h5", "bomb.h5").problems
    assert problem.endswith("times its size, but at most 200 is allowed")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["texts"] = ["a", "b"]
        file["references"] = np.asarray([file["texts"].ref], h5py.ref_dtype)
    assert h5_contents(io.BytesIO((tmp_path / "x.h5").read_bytes()), "x.h5").problems == [
        "/texts contains texts or references instead of numbers",
        "/references contains texts or references instead of numbers",
    ]
