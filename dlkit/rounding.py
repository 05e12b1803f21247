"""Numbers for people."""


def rounded(value: float, digits: int) -> str:
    """So many significant digits, and never an exponent where a number is large: 0.0012, 3.4, 120, 23,000."""
    return f"{float(f'{value:.{digits}g}'):,.15g}"
