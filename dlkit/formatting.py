"""Format numbers, sizes and foreign names for display."""

from collections.abc import Sequence
from math import isfinite

JOINERS = "\u200c\u200d"  # invisible, but part of words and of emoji


def rounded(value: float, digits: int) -> str:
    """Return a number with N significant digits, and large ones without an exponent: 0.0012, 3.4, 120, 23,000."""
    return f"{float(f'{value:.{digits}g}'):,.15g}"


def finite(value: float) -> float | None:
    """Return a number, or None instead of infinity and NaN, which JSON does not have."""
    return value if isfinite(value) else None


def measured(value: float, decimals: int = 4) -> str:
    """Return a metric with its decimals, or three significant digits where these would hide it: 0.9123, 1e-5, 0.99998.

    What is not 0 never reads 0.0000, and what is not 1 never 1.0000.
    """
    if 0 < abs(value) < 10 ** (1 - decimals) or abs(value) >= 1e9:
        return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e+")
    text = f"{value:.{decimals}f}"
    return text if float(text) != 1 or value == 1 else f"{value:.8f}".rstrip("0")


def percent(value: float) -> str:
    """Return a share as a percentage; 100 % and 0 % are only exact ones: 100 %, 99.98 %, 12.5 %."""
    if value in (0, 1):
        return f"{value:.0%}".replace("%", " %")
    text = f"{100 * value:.1f}"
    return f"{text if text not in ('0.0', '100.0') else f'{100 * value:.4g}'} %"


def byte_size(count: float) -> str:
    """Return a number of bytes with two significant digits and a unit: 2 MB, 0.32 GB, 130 GB."""
    return f"{rounded(count / 1e9, 2)} GB" if count >= 1e8 else f"{rounded(count / 1e6, 2)} MB"


def first_few(words: Sequence[str], most: int) -> str:
    """Return the first words of a list, and how many more there are."""
    return ", ".join(words[:most]) + f" and {len(words) - most} more" * (len(words) > most)


def printable(text: str) -> str:
    """Return the text on one line with control characters escaped, so that foreign names cannot control a terminal.

    Bytes of a file name that are not UTF-8 are escaped as bytes.
    """
    return "".join(letter if letter.isprintable() or letter in JOINERS else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    return f"\\x{ord(letter) - 0xDC00:02x}" if "\udc80" <= letter <= "\udcff" else ascii(letter)[1:-1]
