"""Every kind of image file gives the pixels that a viewer (Pillow) shows, in training and in graphs, or is refused."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from dlkit.errors import InputError
from dlkit.media.graph import decode
from dlkit.media.images import ImageResizer, read_image

PHOTO = np.random.default_rng(0).integers(0, 256, (10, 14, 4)).astype(np.uint8)
RGB = Image.fromarray(np.ascontiguousarray(PHOTO[..., :3]))
RGBA = Image.fromarray(PHOTO)
SMOOTH = RGB.resize((3, 2)).resize((14, 10), Image.Resampling.BICUBIC)
EXIF = 0x0112


def encoded(image, kind, **settings):
    stream = io.BytesIO()
    image.save(stream, kind, **settings)
    return stream.getvalue()


def viewed(content):
    """What a viewer shows: the first frame, upright, on white."""
    with Image.open(io.BytesIO(content)) as image:
        picture = ImageOps.exif_transpose(image)
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")


def turned(number):
    exif = Image.Exif()
    exif[EXIF] = number
    return exif


def interlaced():
    """The 2 x 2 pixels 10, 20, 30, 40 as an interlaced PNG (Adam7): passes 1, 6 and 7 have 1, 1 and 2 of them."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 1)
    rows = bytes([0, 10, 0, 20, 0, 30, 40])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def run_length_bmp():
    """A BMP of 4 x 2 pixels with a palette, compressed as runs (RLE8), bottom row first."""
    palette = bytes([0, 0, 0, 0, 10, 20, 30, 0, 200, 100, 50, 0])
    runs = bytes([2, 1, 2, 2, 0, 0, 4, 2, 0, 1])
    header = struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, 8, 1, len(runs), 0, 0, 3, 3)
    start = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + header + palette + runs


GREY = RGB.convert("L")
PALETTE = RGB.quantize(16)
GRAPH = {
    "baseline JPEG": encoded(SMOOTH, "JPEG"),
    "progressive JPEG": encoded(SMOOTH, "JPEG", progressive=True),
    "grey JPEG": encoded(GREY, "JPEG"),
    "CMYK JPEG": encoded(SMOOTH.convert("CMYK"), "JPEG"),
    "progressive CMYK JPEG": encoded(SMOOTH.convert("CMYK"), "JPEG", progressive=True),
    **{f"JPEG, orientation {n}": encoded(SMOOTH, "JPEG", exif=turned(n)) for n in range(1, 9)},
    **{f"PNG, orientation {n}": encoded(RGB, "PNG", exif=turned(n)) for n in (3, 6)},
    "PNG": encoded(RGB, "PNG"),
    "grey PNG": encoded(GREY, "PNG"),
    "grey PNG with alpha": encoded(Image.fromarray(np.ascontiguousarray(PHOTO[..., :2])), "PNG"),
    "PNG with alpha": encoded(RGBA, "PNG"),
    "palette PNG": encoded(PALETTE, "PNG"),
    "palette PNG of 4 bits": encoded(PALETTE, "PNG", bits=4),
    "palette PNG with a transparent colour": encoded(PALETTE, "PNG", transparency=3),
    "grey PNG with a transparent value": encoded(GREY, "PNG", transparency=int(GREY.getpixel((3, 3)))),
    "PNG with a transparent colour": encoded(RGB, "PNG", transparency=RGB.getpixel((3, 3))),
    "1-bit PNG": encoded(GREY.convert("1"), "PNG"),
    "interlaced PNG": interlaced(),
}
FRAMES = [RGB.transpose(turn) for turn in (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180)]
FILES = GRAPH | {
    "GIF": encoded(RGB, "GIF"),
    "animated GIF": encoded(RGB, "GIF", save_all=True, append_images=FRAMES),
    "GIF with a transparent colour": encoded(PALETTE, "GIF", transparency=3),
    "BMP": encoded(RGB, "BMP"),
    "32-bit BMP": encoded(RGBA, "BMP"),
    "grey BMP": encoded(GREY, "BMP"),
    "palette BMP": encoded(PALETTE, "BMP"),
    "1-bit BMP": encoded(GREY.convert("1"), "BMP"),
    "run-length BMP": run_length_bmp(),
    "WebP": encoded(RGB, "WEBP"),
    "lossless WebP with alpha": encoded(RGBA, "WEBP", lossless=True),
    "WebP, orientation 6": encoded(RGB, "WEBP", exif=turned(6)),
    "animated WebP": encoded(RGB, "WEBP", save_all=True, append_images=FRAMES),
}


@pytest.mark.parametrize("kind", FILES)
def test_pixels_are_those_of_a_viewer(kind, tmp_path):
    path = tmp_path / "image"
    path.write_bytes(FILES[kind])
    wanted = viewed(FILES[kind])
    found = read_image(path, 3)
    assert (found.shape, found.dtype) == ((*wanted.size[::-1], 3), np.uint8)
    np.testing.assert_allclose(found.astype(int), np.asarray(wanted), atol=1)  # Pillow's rounding on white
    np.testing.assert_array_equal(read_image(path, 1)[..., 0], np.asarray(Image.fromarray(found).convert("L")))


def test_kinds_have_the_expected_content(tmp_path):
    """Against numbers that no decoder gave."""
    for name, content in (("interlaced", interlaced()), ("runs", run_length_bmp())):
        (tmp_path / name).write_bytes(content)
    assert read_image(tmp_path / "interlaced", 1)[..., 0].tolist() == [[10, 20], [30, 40]]
    top, bottom = read_image(tmp_path / "runs", 3).tolist()
    assert (top, bottom) == ([[50, 100, 200]] * 4, [[30, 20, 10]] * 2 + [[50, 100, 200]] * 2)


@pytest.fixture(scope="module")
def graph():
    """The decoder as an exported model contains it."""
    return tf.function(lambda content: decode(content, 3), [tf.TensorSpec((), tf.string)], autograph=False)


def test_a_graph_decodes_as_training_does(graph, tmp_path):
    path = tmp_path / "image"
    for content in GRAPH.values():
        path.write_bytes(content)
        np.testing.assert_array_equal(graph(content), read_image(path, 3))


def test_resizing_follows_turning(tmp_path):
    (tmp_path / "image").write_bytes(GRAPH["JPEG, orientation 6"])
    upright = read_image(tmp_path / "image", 3)
    assert upright.shape == (14, 10, 3)
    resize = ImageResizer(7, 5, "bilinear", crop_to_aspect_ratio=False)
    np.testing.assert_array_equal(read_image(tmp_path / "image", 3, resize), resize(upright))


@pytest.mark.parametrize("damage", [b"", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff"])
def test_damaged_orientation_turns_nothing(damage, tmp_path):
    path = tmp_path / "image.jpg"
    path.write_bytes(encoded(SMOOTH, "JPEG", exif=b"Exif\0\0" + damage))
    assert read_image(path, 3).shape == (10, 14, 3)


DEEP = encoded(Image.fromarray(np.arange(6, dtype=np.uint16).reshape(2, 3)), "PNG")
REFUSED = {
    "16 bits": (DEEP, "image has 16 bits per channel, but images have 8"),
    "TIFF": (encoded(RGB, "TIFF"), "image is not a readable image: it is a TIFF file"),
    "empty": (b"", "image is not a readable image: the file is empty"),
    "macOS": (bytes.fromhex("0005160700020000"), "it is a resource file of macOS"),
    "cut PNG": (GRAPH["PNG"][:90], "it is damaged or incomplete"),
    "cut JPEG": (GRAPH["baseline JPEG"][:-90], "it is damaged or incomplete"),
    "cut GIF": (FILES["GIF"][:-90], "it is damaged or incomplete"),
    "cut BMP": (FILES["BMP"][:-90], "it is damaged or incomplete"),
    "cut WebP": (FILES["WebP"][:-90], "it is damaged or incomplete"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_other_files_are_refused_by_name(kind, tmp_path):
    content, text = REFUSED[kind]
    (tmp_path / "image").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_image(tmp_path / "image", 3)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (DEEP, "16 bits per channel"),
        (FILES["GIF"], "neither JPEG nor PNG"),
        (b"", "neither JPEG nor PNG"),
        (interlaced().replace(struct.pack(">II", 2, 2), struct.pack(">II", 20000, 20000)), "more than 100,000,000"),
    ],
    ids=["16 bits", "GIF", "empty", "too large"],
)
def test_graphs_refuse_by_name(graph, content, text):
    with pytest.raises(tf.errors.InvalidArgumentError, match=text):
        graph(content)
