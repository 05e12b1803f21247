"""Find the folders that contain components: dlkit's own, those of installed packages, and that of --components."""

import importlib
import importlib.util
import sys
import traceback
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from dlkit.errors import InputError, keras_reason
from dlkit.process import COMPONENTS, path_from

GROUP = "dlkit.components"
OWN = Path(__file__).parents[1] / "components"


@dataclass(frozen=True)
class Root:
    """A folder that contains component folders (models, layers ...), and its package name if it is a package."""

    folder: Path
    package: str | None = None

    def module(self, kind: str, path: Path) -> ModuleType:
        """Import a component's file in the folder `kind` once; raise InputError when the import fails."""
        try:
            if self.package is not None:
                return importlib.import_module(f"{self.package}.{kind}.{path.stem}")
            return _imported(f"dlkit_components.{kind}.{path.stem}", path)
        except Exception as error:
            if self.folder == OWN:
                raise
            raise InputError(f"cannot import {path}: {keras_reason(error)}", "fix the file") from error


def roots() -> list[Root]:
    """Return dlkit's own folder, those of installed packages, and the user's folder, in this order."""
    own = path_from(COMPONENTS)
    return [Root(OWN, GROUP), *installed(), *([Root(own)] if own else [])]


def raised_in(error: BaseException) -> str | None:
    """Return FILE:LINE of the innermost call in a component that is not dlkit's own, None without one."""
    folders = [root.folder for root in roots() if root.folder != OWN]
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if any(Path(frame.filename).is_relative_to(folder) for folder in folders)]
    return f"{inside[-1].filename}:{inside[-1].lineno}" if inside else None


@cache
def installed() -> tuple[Root, ...]:
    """Return the component packages declared by other distributions, without importing them.

    Raise InputError when a declared package does not exist.
    """
    from importlib.metadata import entry_points

    found = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        spec = importlib.util.find_spec(point.value)
        if spec is None or not spec.submodule_search_locations:
            raise InputError(
                f"the entry point {point.name} of {GROUP} names {point.value}, which is not a package",
                "reinstall or remove the package that declares it",
            )
        found.append(Root(Path(next(iter(spec.submodule_search_locations))), point.value))
    return tuple(found)


def _imported(title: str, path: Path) -> ModuleType:
    """Return the module of a file outside any package; the file is executed only once."""
    module = sys.modules.get(title)
    if module is not None and module.__file__ == str(path):
        return module
    spec = importlib.util.spec_from_file_location(title, path)
    assert spec is not None  # it is a .py file
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[title] = module
    return module
