"""Find out what the shipped recipes need and whether it is there: data, runs that they start from, weight files."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dlkit.errors import DlkitError, MissingError

if TYPE_CHECKING:
    from dlkit.components.models._imagenet import WeightFile
    from dlkit.recipe.schema import Recipe


Kind = Literal["data", "run", "weights"]


@dataclass(frozen=True)
class Missing:
    """Something that is not there, and how to get it."""

    kind: Kind
    text: str
    hint: str


@dataclass(frozen=True)
class RecipeNeeds:
    """A shipped recipe, the kind of its data, and what it lacks; empty if it can be trained."""

    recipe: str
    source: str
    missing: tuple[Missing, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form; text and hint are those of the first missing thing."""
        first = self.missing[0] if self.missing else Missing("data", "", "")
        named = {"recipe": self.recipe, "source": self.source, "there": not self.missing}
        return named | {"text": first.text, "hint": first.hint, "missing": [asdict(item) for item in self.missing]}


def recipe_needs(weights: bool) -> list[RecipeNeeds]:
    """Return for each shipped recipe which data and runs are missing, without reading data.

    weights: also which weight files, whose names Keras knows: its import takes seconds.
    """
    from dlkit.recipe import load_recipe, shipped_recipes

    found = []
    for name in shipped_recipes():
        recipe = load_recipe(name).recipe
        lacks = [*_missing(recipe), *(_missing_weights(recipe) if weights else ())]
        problems = [(kind, error.problems[0]) for kind, error in lacks]
        missing = tuple(Missing(kind, problem.message, problem.hint) for kind, problem in problems)
        found.append(RecipeNeeds(name, recipe.data.source.name, missing))
    return found


def _missing(recipe: "Recipe") -> Iterator[tuple[Kind, DlkitError]]:
    """Yield the data and runs that a recipe lacks, as the errors that training would end with."""
    from dlkit.data.source import missing_data
    from dlkit.runs.parents import find_source, find_teacher, source_reference

    if error := missing_data(recipe):
        yield "data", error
    teacher, source = recipe.training.teacher, source_reference(recipe)
    for reference, find in ((teacher.run if teacher else None, find_teacher), (source, find_source)):
        try:
            if reference is not None:
                find(reference)
        except DlkitError as error:
            yield "run", error


def _missing_weights(recipe: "Recipe") -> Iterator[tuple[Kind, DlkitError]]:
    path = weight_file(recipe)
    if path is not None and not path.is_file():
        hint = f"the first training downloads it; or copy it there, or --set model.{recipe.model.name}.weights=PATH"
        yield "weights", MissingError(f"no such file: {path}", hint)


def weight_file(recipe: "Recipe") -> Path | None:
    """Return the weight file that a recipe's model starts from, whether it exists or not; None if it names none."""
    settings = recipe.model.settings
    weights = settings.get("weights")
    if not isinstance(weights, str):
        return None
    if weights != "imagenet":
        return Path(weights).expanduser()
    return _published(recipe).place


def _published(recipe: "Recipe") -> "WeightFile":
    from dlkit.components.models._imagenet import imagenet_file
    from dlkit.data.source import build_dataset
    from dlkit.data.splits import resized_spec

    settings = recipe.model.settings
    shape = resized_spec(recipe.data, build_dataset(recipe).describe()).shape
    chosen = {key: settings[key] for key in ("alpha", "pooling") if settings.get(key) is not None}
    return imagenet_file(settings["backbone"], chosen | {"input_shape": shape})
