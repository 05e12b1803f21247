"""Numbers for people."""


def rounded(value: float, digits: int) -> str:
    """So many significant digits, and never an exponent where a number is large: 0.0012, 3.4, 120, 23,000."""
    return f"{float(f'{value:.{digits}g}'):,.15g}"


def byte_size(count: float) -> str:
    """A number of bytes in two significant digits, with its unit: 2 MB, 0.32 GB, 130 GB."""
    return f"{rounded(count / 1e9, 2)} GB" if count >= 1e8 else f"{rounded(count / 1e6, 2)} MB"
