"""Format numbers for display."""


def rounded(value: float, digits: int) -> str:
    """Return a number with N significant digits, and large ones without an exponent: 0.0012, 3.4, 120, 23,000."""
    return f"{float(f'{value:.{digits}g}'):,.15g}"


def byte_size(count: float) -> str:
    """Return a number of bytes with two significant digits and a unit: 2 MB, 0.32 GB, 130 GB."""
    return f"{rounded(count / 1e9, 2)} GB" if count >= 1e8 else f"{rounded(count / 1e6, 2)} MB"
