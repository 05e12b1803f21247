"""Find the kinds of pictures, and open what they are of: nothing, a recipe, a run, or several runs."""

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, getdoc, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.errors import InputError
from dlkit.interfaces.one_per_file import module_of, names_in
from dlkit.runs.conditions import restore_left_out
from dlkit.runs.directory import RunDirectory
from dlkit.runs.find import exact_run, find_run, find_trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dlkit.model.trained import TrainedModel
    from dlkit.recipe import LoadedRecipe

Plot = Callable[..., "Mapping[str, Figure | list[Figure] | dict[str, Any]]"]
_KINDS = Path(__file__).with_name("kinds")
NEEDS = {"run": "one RUN", "runs": "RUNs", "recipe": "one RECIPE or RUN"}


def names() -> list[str]:
    """Return the names of all kinds, such as `feature-maps` of feature_maps.py."""
    return names_in(_KINDS)


def find(name: str) -> Plot:
    """Return the function of a kind; raise InputError for an unknown name."""
    plot: Plot = module_of(name, _KINDS, "dlkit.plots.kinds", "picture").plot
    return plot


def described(name: str) -> dict[str, Any]:
    """Return what a picture shows, what it is of, and its options."""
    plot = find(name)
    return {
        "name": name,
        "of": subject_of(plot),
        "shows": (getdoc(plot) or "").splitlines()[0],
        "options": options(plot),
    }


def subject_of(plot: Plot) -> str | None:
    """Return what a picture is of: `run`, `runs`, `recipe`, or None."""
    return next((name for name in signature(plot).parameters if name in NEEDS), None)


def options(plot: Plot) -> list[str]:
    """Return the options that a picture knows."""
    return [name for name, item in signature(plot).parameters.items() if item.kind is Parameter.KEYWORD_ONLY]


def chosen(plot: Plot, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given; raise InputError for one that the picture does not know."""
    known = options(plot)
    found = {option: value for option, value in given.items() if value is not None}
    for option in found:
        if option not in known:
            listed = ", ".join(f"--{word}" for word in known) or "none"
            raise InputError(f"plot {name} does not use --{option}", f"its options: {listed}")
    return found


def check_subjects(plot: Plot, name: str, given: Sequence[str]) -> None:
    """Raise InputError unless as many recipes or runs are given as the picture needs."""
    subject = subject_of(plot)
    if subject is None and given:
        raise InputError(f"plot {name} needs no recipe or run, but got {given[0]!r}", "leave it out")
    counts = {"run": (0, 1), "recipe": (1, 1)}.get(subject or "", (0, len(given)))
    if not counts[0] <= len(given) <= counts[1]:
        raise InputError(
            f"plot {name} needs {NEEDS[str(subject)]}, but got {len(given)}", f"such as: dlkit plot {name} RUN"
        )


def open_subjects(subject: str | None, given: Sequence[str], root: Path, checkpoint: str) -> list[Any]:
    """Return the subject of a picture as its arguments; files of runs are checked as `evaluate` checks them."""
    if subject is None:
        return []
    if subject == "recipe":
        return [_recipe(given[0], root)]
    if subject == "runs":
        return [[find_run(reference, root) for reference in given] or [find_run(None, root)]]
    return [_trained(given[0] if given else None, root, checkpoint)]


def _recipe(reference: str, root: Path) -> "LoadedRecipe":
    """Return a recipe, or that of a run given by its directory or as RECIPE/RUN."""
    from dlkit.recipe import load_recipe

    run = exact_run(reference, root)
    return load_recipe(find_run(reference, root).resolved_recipe if run else reference)


def _trained(reference: str | None, root: Path, checkpoint: str) -> "TrainedModel":
    found: RunDirectory = find_trained(reference, root, checkpoint)
    restore_left_out(found)

    from dlkit.machine.tensorflow import start_tensorflow

    start_tensorflow()
    from dlkit.model.trained import open_run

    return open_run(found, checkpoint)


def named(subjects: Sequence[Any]) -> str:
    """Return the recipe's name as the beginning of the names of files, empty without a single recipe."""
    recipes = [subject.loaded if hasattr(subject, "loaded") else subject for subject in subjects]
    return "".join(f"{loaded.recipe.name}-" for loaded in recipes if hasattr(loaded, "recipe"))


def about(subjects: Sequence[Any]) -> str:
    """Return the second line of a title: recipe and run."""
    for subject in subjects:
        if hasattr(subject, "run"):
            return f"recipe {subject.run.recipe_name}, run {subject.run.path.name}, {subject.checkpoint} epoch"
        if hasattr(subject, "recipe"):
            return f"recipe {subject.recipe.name}"
    return ""
