"""Find keys of a recipe that are valid by themselves but cannot be used together."""

from collections.abc import Iterator

from dlkit.errors import Problem, RecipeError
from dlkit.recipe.reader import Positions
from dlkit.recipe.schema import Recipe

UNLABELLED = ("pseudo_labels", "consistency")


def check_combinations(recipe: Recipe, positions: Positions) -> None:
    """Raise RecipeError with every pair of keys that exclude or need each other."""
    problems = [
        Problem(message, hint, key, positions.key(tuple(key.split(".")))) for key, message, hint in _unlabelled(recipe)
    ]
    if problems:
        raise RecipeError(problems)


def _unlabelled(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    """Yield key, message and hint of what the methods for unlabelled examples cannot be used with."""
    training = recipe.training
    given = [name for name in UNLABELLED if getattr(training, name) is not None]
    for name in given:
        key = f"training.{name}"
        if recipe.data.labelled is None:
            hint = "add data.labelled, for example {per_class: 10}"
            yield key, f"{name} learns from unlabelled examples, but all examples of train are labelled", hint
        if training.teacher is not None:
            yield key, f"{name} and training.teacher exclude each other", "remove one of them"
        if recipe.data.patch is not None:
            yield key, f"{name} and data.patch exclude each other", "remove one of them"
    if len(given) > 1:
        yield "training.consistency", "pseudo_labels and consistency exclude each other", "remove one of them"
