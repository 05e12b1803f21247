"""The clock of the benchmarks that compare ways in turns."""

import time


def seconds(function):
    """Return the seconds that a call takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started
