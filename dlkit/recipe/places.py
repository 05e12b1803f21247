"""The places of a recipe's data: absolute in a run, and replaced when the data has moved."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from dlkit.catalog import find
from dlkit.errors import InputError, MissingError, Problem
from dlkit.recipe import LoadedRecipe


def places(loaded: LoadedRecipe) -> dict[str, str]:
    """Return the settings of the data's source that are paths of files or folders, by name."""
    component = loaded.recipe.data.source
    parameters = find.source(component.namespace, component.name).parameters
    names = [name for name, parameter in parameters.items() if re.search(r"\bDataPath\b", parameter.annotation)]
    return {name: str(component.settings[name]) for name in names if component.settings.get(name) is not None}


def with_absolute_places(loaded: LoadedRecipe) -> LoadedRecipe:
    """Return the recipe with absolute paths of its data, so that a run does not depend on the working directory."""
    return _with_settings(loaded, {name: os.path.abspath(path) for name, path in places(loaded).items()})


def last_change(loaded: LoadedRecipe) -> int:
    """Return when a file or folder of the data was last changed, renamed or given its place, in ns; 0 without paths."""
    found = [0]
    for place in map(Path, places(loaded).values()):
        inside = (Path(folder, name) for folder, _, names in os.walk(place) for name in (".", *names))
        for path in inside if place.is_dir() else [place] * place.exists():
            with suppress(OSError):  # a broken link
                status = path.stat()
                found.append(max(status.st_mtime_ns, status.st_ctime_ns))
    return max(found)


def with_places_of(run: LoadedRecipe, loaded: LoadedRecipe) -> LoadedRecipe:
    """Return the recipe with the paths that a run recorded where its own lead nowhere."""
    recorded, own = places(run), places(loaded)
    gone = [name for name, path in own.items() if not Path(path).exists()]
    return _with_settings(loaded, {name: recorded.get(name, own[name]) for name in gone})


def moved(loaded: LoadedRecipe, place: Path) -> LoadedRecipe:
    """Return the recipe with its data in another place.

    place: the file or folder that takes the place of the only path of the source; where there are several paths, the
    folder that takes the place of the folder that they share. Raises InputError for a source without paths, and
    MissingError when there is nothing at the place.
    """
    known = {name: os.path.abspath(path) for name, path in places(loaded).items()}
    if not known:
        name = loaded.recipe.data.source.name
        hint = "give --data-dir" if name == "tfds" else "omit --data"
        raise InputError(f"the data source {name} has no path that --data could replace", hint)
    if not place.exists():
        raise MissingError(f"no such file or folder: {place}", "give --data the place where the data is now")
    if len(known) == 1:
        return _with_settings(loaded, dict.fromkeys(known, os.path.abspath(place)))
    shared = os.path.commonpath([os.path.dirname(path) for path in known.values()])
    new = {name: os.path.abspath(place / os.path.relpath(path, shared)) for name, path in known.items()}
    return _with_settings(loaded, new)


def undivided(loaded: LoadedRecipe) -> LoadedRecipe:
    """Return the recipe without a fraction of its data held out as test, to measure all examples of other data."""
    component = loaded.recipe.data.source
    parameter = find.source(component.namespace, component.name).parameters.get("test_fraction")
    if parameter is None:
        return loaded
    return _with_settings(loaded, {"test_fraction": None if parameter.default is None else 0})


def plain_without_places(loaded: LoadedRecipe) -> dict[str, Any]:
    """Return a recipe's plain data without the paths of its data, whose contents fingerprints compare."""
    written = loaded.plain["data"]["source"]
    if not isinstance(written, Mapping):
        return loaded.plain
    paths = places(loaded)
    ((name, settings),) = written.items()
    bare = {key: value for key, value in (settings or {}).items() if key not in paths}
    return loaded.plain | {"data": loaded.plain["data"] | {"source": {name: bare}}}


@contextmanager
def hint_at_new_place(loaded: LoadedRecipe) -> Iterator[None]:
    """Let the error for missing data say how a verb on a run is told where the data is now."""
    try:
        yield
    except MissingError as error:
        if places(loaded):
            hint = "if the data has moved, give its new place: --data PATH"
            error.problems = [Problem(found.message, hint, found.key, found.location) for found in error.problems]
        raise


def _with_settings(loaded: LoadedRecipe, settings: Mapping[str, Any]) -> LoadedRecipe:
    """Return the recipe with some settings of its data source replaced, in its plain data too."""
    if not settings:
        return loaded
    data, written = loaded.recipe.data, loaded.plain["data"]["source"]
    source = replace(data.source, settings={**data.source.settings, **settings})
    recipe = loaded.recipe.model_copy(update={"data": data.model_copy(update={"source": source})})
    own = written[source.name] if isinstance(written, Mapping) else None
    plain = loaded.plain["data"] | {"source": {source.name: {**(own or {}), **settings}}}
    return replace(loaded, recipe=recipe, plain=loaded.plain | {"data": plain})
