"""Check that the libraries of the extra dlkit[serve] are installed, before anything is loaded."""

from importlib.util import find_spec

from dlkit.errors import MissingError

LIBRARIES = ("starlette", "uvicorn", "httptools", "uvloop", "orjson", "simdjson", "prometheus_client")


def check_installed() -> None:
    """Raise MissingError with the command that installs what is missing."""
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise MissingError(f"dlkit serve needs {', '.join(missing)}", "pip install 'dlkit[serve]'")
