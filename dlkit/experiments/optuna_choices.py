"""Optuna's samplers and pruners by name, and the values that they choose."""

import hashlib
import json
from typing import Any

from dlkit.errors import InputError, MissingError, closest
from dlkit.recipe.search import Dimension
from dlkit.recipe.space import LoadedSearch


def sampler(found: LoadedSearch, number: int, key: str = "") -> Any:
    """Return the search's sampler with the seed of a trial, or of one of its values."""
    name, settings = _named(found.search.sampler)
    seed = hashlib.sha256(f"{found.search.seed} {number} {key}".encode()).digest()
    return _created(optuna().samplers, "Sampler", name, {"seed": int.from_bytes(seed[:4])} | settings, found)


def pruner(found: LoadedSearch) -> Any:
    """Return the search's pruner."""
    name, settings = _named(found.search.pruner)
    return _created(optuna().pruners, "Pruner", name, settings, found)


def check_names(found: LoadedSearch) -> None:
    """Raise InputError for a sampler or pruner that Optuna does not have, or settings that it does not take."""
    sampler(found, 0)
    pruner(found)


def optuna() -> Any:
    """Import Optuna, which is an extra, without its log."""
    try:
        import optuna as library
    except ImportError as error:
        raise MissingError("a search needs Optuna, which is not installed", "pip install 'dlkit[search]'") from error
    import warnings

    library.logging.set_verbosity(library.logging.ERROR)
    warnings.filterwarnings("ignore", category=library.exceptions.ExperimentalWarning)
    return library


def _named(choice: str | dict[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    if isinstance(choice, str):
        return choice, {}
    name, settings = next(iter(choice.items()))
    return name, dict(settings or {})


# They need more than numbers: a space of their own, or other samplers.
_WITHOUT = ("BaseSampler", "BaseGASampler", "BasePruner", "GridSampler", "PartialFixedSampler", "PatientPruner")


def _created(module: Any, kind: str, name: str, settings: dict[str, Any], found: LoadedSearch) -> Any:
    """Return a sampler or pruner of Optuna."""
    key = kind.lower()
    known = [entry for entry in dir(module) if entry.endswith(kind) and entry not in _WITHOUT]
    place = found.positions.value((*found.place, key))
    if name not in known:
        raise InputError(f"unknown {key} {name!r}", closest(name, known), key=key, location=place)
    try:
        return getattr(module, name)(**settings)
    except (TypeError, ValueError) as error:
        if "seed" in settings and "seed" in str(error):
            return _created(module, kind, name, {k: v for k, v in settings.items() if k != "seed"}, found)
        raise InputError(f"{name}: {error}", "compare its settings with Optuna's", key=key, location=place) from error


def suggest(trial: Any, key: str, dimension: Dimension) -> None:
    """Let a trial choose the value of a key; a choice of a list is kept as JSON text."""
    if dimension.as_float is not None:
        trial.suggest_float(key, **dimension.as_float.model_dump())
    elif dimension.as_int is not None:
        trial.suggest_int(key, **dimension.as_int.model_dump())
    else:
        trial.suggest_categorical(key, [json.dumps(value) for value in dimension.categorical or ()])
