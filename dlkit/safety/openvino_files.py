"""List the contents of an OpenVINO model, and check that it is complete in itself, without running it."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from dlkit.safety.files import UnreadableError, first_line, refuse_export, require_file

MAX_XML = 200_000_000
CONSTANT = {"element_type", "shape", "offset", "size"}
"""The attributes of a constant: all of them refer to the .bin file beside the model."""


@dataclass(frozen=True)
class OpenvinoContents:
    """Operations with their counts, and problems."""

    operations: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def openvino_contents(path: Path) -> OpenvinoContents:
    """Return the contents of a model.xml with its model.bin; raise InputError when it is not a readable one."""
    require_file(path)
    weights = path.with_suffix(".bin")
    contents, held = OpenvinoContents(), 0
    for file in (path, weights):
        if file.is_symlink():
            contents.problems.append(f"{file.name} is a symbolic link")
    if weights.exists():
        require_file(weights)
        held = weights.stat().st_size
    for layer in _parsed(path).iter("layer"):
        contents.operations[layer.get("type", "?")] += 1
        contents.problems.extend(_layer_problems(layer, held))
    return contents


def check_openvino(path: Path) -> None:
    """Raise CheckError when an OpenVINO model reads other files or needs operations that are not OpenVINO's own."""
    refuse_export(path, openvino_contents(path).problems)


def _parsed(path: Path) -> Any:
    """Return the root of the XML; raise UnreadableError for other XML, and for entities, which can fill the memory."""
    content = path.read_bytes() if path.stat().st_size <= MAX_XML else b""
    try:
        if not content:
            raise ValueError(f"it is empty, or has more than {MAX_XML:,} bytes")
        if re.search(rb"<!(DOCTYPE|ENTITY)", content, re.IGNORECASE) or b"\0" in content:
            raise ValueError("it declares entities or is not in UTF-8")
        root = ElementTree.fromstring(content)
        if root.tag != "net" or root.find("layers") is None:
            raise ValueError("it has no <net> with <layers>")
    except (ValueError, ElementTree.ParseError) as error:
        message = f"{path} is not a readable OpenVINO model: {first_line(error)}"
        raise UnreadableError(message, "the file is damaged") from error
    return root


def _layer_problems(layer: Any, held: int) -> Iterator[str]:
    name = f"{layer.get('type', '?')} {layer.get('name', '?')!r}"
    if not re.fullmatch(r"opset\d+", layer.get("version", "")):
        yield f"operation {name} is not OpenVINO's own"
    for data in layer.iterfind("data") if layer.get("type") == "Const" else ():
        foreign = sorted({*data.attrib} - CONSTANT)
        if foreign:
            yield f"{name} has the attribute {foreign[0]!r}"
        offset, size = (data.get(key, "") for key in ("offset", "size"))
        if not (offset.isdecimal() and size.isdecimal()) or int(offset) + int(size) > held:
            yield f"{name} has its values outside of the .bin file"
