"""Try whether a format can express a recipe's network, before any training: with fresh weights and random examples."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlkit.errors import CheckError, DlkitError, Location, RecipeError, located
from dlkit.export.certificate import check_samples, exporter_of
from dlkit.export.compare import ANY
from dlkit.export.reader import Reader
from dlkit.interfaces.data import Split
from dlkit.interfaces.exporter import ConversionError, RefusedError
from dlkit.model.built import BuiltModel
from dlkit.model.preprocessing import adapt

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe

EXAMPLES, LENGTH = 4, 16
"""How many random examples are used, and the size of axes of any size."""


def check_formats(built: BuiltModel, formats: list[str], loaded: "LoadedRecipe") -> None:
    """Raise one RecipeError with a problem for each format that cannot express the recipe's network."""
    problems = []
    for format_name in formats:
        try:
            check_format(built, format_name, loaded.recipe.training.precision, loaded.recipe.model.location)
        except DlkitError as error:
            problems += error.problems
    if problems:
        raise RecipeError(problems)


def check_format(built: BuiltModel, format_name: str, precision: str, place: Location | None) -> None:
    """Raise RefusedError, located at `place`, when the format cannot express the network of a recipe.

    The artefact is written and answers for random examples, as after a training. Raises CheckError when its answers
    are not those of the network.
    """
    exporter = exporter_of(format_name)
    try:
        if reason := exporter.refusal(built):
            raise RefusedError(f"format {format_name} cannot express this network: {reason}", "export another format")
        _try(built, format_name, precision)
    except ConversionError as error:
        message = f"format {format_name} cannot express this network: {error.problems[0].message}"
        raise located(RefusedError(message, error.problems[0].hint), place) from error
    except DlkitError as error:
        raise located(error, place) from error


def _try(built: BuiltModel, format_name: str, precision: str) -> None:
    exporter = exporter_of(format_name)
    examples = random_examples(built)
    adapt(Split(examples, np.zeros(len(examples))), built.preprocess)
    allowed = exporter.tolerance.at(precision) if exporter.tolerance else ANY
    with tempfile.TemporaryDirectory() as scratch:
        exporter.write(built, Path(scratch), examples)
        with Reader(exporter, Path(scratch), 1) as reader:
            checks = check_samples(reader, exporter, built, examples, allowed)
    for title, check in checks.items():
        if not check["passed"]:
            difference = check["largest_absolute_difference"]
            raise CheckError(
                f"format {format_name} changes the answers of this network: {title} differs by {difference:.2g}",
                "export another format",
            )


def random_examples(built: BuiltModel) -> np.ndarray:
    """Return raw examples (4, ...) with random values of the source's dtype."""
    spec = built.raw_spec
    if built.resize is not None:
        spec = replace(spec, shape=(*built.resize.size, spec.shape[-1]))
    shape = (EXAMPLES, *(LENGTH if size is None else size for size in spec.shape))
    generator = np.random.default_rng(0)
    if spec.dtype == "string":
        return np.full(shape, b"one two three four")
    dtype = np.dtype(spec.dtype)
    if dtype.kind in "iub":
        return generator.integers(0, 256 if dtype == np.uint8 else 2, shape).astype(dtype)
    return generator.normal(size=shape).astype(dtype)
