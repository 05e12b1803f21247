"""Heed the limits that a system sets a process: processor time, address space, and no home folder."""

import os
import resource
import signal
import tempfile
from pathlib import Path
from types import FrameType

from dlkit.errors import MissingError
from dlkit.formatting import byte_size
from dlkit.process import set_variable

ADDRESS_SPACE = 3e9  # bytes: the libraries of TensorFlow map more than one, its threads and a small training the rest
CPU_MARGIN = 5  # seconds: to write a snapshot before the system kills the process


def ensure_home() -> None:
    """Set HOME to a folder of temporary files for a user whom the system does not know, as in many containers."""
    try:
        Path.home()
    except RuntimeError:
        home = Path(tempfile.gettempdir()) / f"dlkit-home-{os.getuid()}"
        home.mkdir(mode=0o700, exist_ok=True)
        if home.is_symlink() or home.stat().st_uid != os.getuid():
            raise MissingError(f"there is no home folder, and {home} belongs to someone else", "set HOME") from None
        set_variable("HOME", str(home))


def check_address_space() -> None:
    """Raise MissingError when the address space is too small for TensorFlow, which would abort."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < ADDRESS_SPACE:
        raise MissingError(
            f"the address space of this process is limited to {byte_size(limit)} (ulimit -v)",
            f"TensorFlow needs {byte_size(ADDRESS_SPACE)}: raise the limit, or limit the memory by a control group",
        )


def heed_processor_time() -> None:
    """Raise MissingError in the main thread, instead of being killed, when the processor time is nearly used up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if soft == resource.RLIM_INFINITY:
        return
    if soft == hard:  # the system would send no signal before the one that kills
        resource.setrlimit(resource.RLIMIT_CPU, (max(1, hard - max(CPU_MARGIN, hard // 20)), hard))
    signal.signal(signal.SIGXCPU, _out_of_time)


def silence_processor_time() -> None:
    """Keep the system from sending its signal again every second, while the process ends."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))


def _out_of_time(number: int, frame: FrameType | None) -> None:
    silence_processor_time()
    raise MissingError("the processor time of this process is used up (ulimit -t)", "raise the limit")
