"""Find installed fonts for the characters of a figure, beyond those of matplotlib's own font."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from matplotlib import get_data_path
from matplotlib.font_manager import fontManager
from matplotlib.ft2font import FT2Font

OWN = "DejaVu Sans"
# Fonts with boxes that name a script, and fonts of formulas, which have other characters at the places of letters.
UNFIT = ("Last Resort", "STIXNon", "STIXSiz", "cmb", "cmex", "cmmi", "cmr", "cmss", "cmsy", "cmtt")


def has_glyph(character: str) -> bool:
    """Return whether matplotlib's own font or an installed one can draw a character."""
    return _family(character) is not None


def families_for(text: str) -> list[str]:
    """Return the font families that draw all characters of a text, matplotlib's own first."""
    found = (_family(character) for character in dict.fromkeys(text))
    return list(dict.fromkeys([OWN, *filter(None, found)]))


@cache
def _family(character: str) -> str | None:
    """Return the first family with a glyph for a character, None if there is none."""
    if character.isspace() or ord(character) in _characters(_own_file()):
        return OWN
    return next((family for family, file in _installed() if ord(character) in _characters(file)), None)


def _own_file() -> str:
    return str(Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"))


def _installed() -> Iterator[tuple[str, str]]:
    """Yield the family and file of every installed font, upright and regular ones first."""
    entries = sorted(
        fontManager.ttflist, key=lambda font: (font.style != "normal", str(font.weight) != "400", font.name)
    )
    yield from ((entry.name, entry.fname) for entry in entries if not entry.name.startswith(UNFIT))


@cache
def _characters(file: str) -> frozenset[int]:
    """Return the code points of a font file; none for fonts of coloured pictures, which matplotlib cannot draw."""
    try:
        font = FT2Font(file)
    except (OSError, RuntimeError):
        return frozenset()
    return frozenset(font.get_charmap()) if font.scalable else frozenset()
