"""Recipes: found by path or name, read with positions, overridden, checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.errors import InputError, Location, closest

if TYPE_CHECKING:
    from dlkit.recipe.reader import Positions
    from dlkit.recipe.schema import Recipe


@dataclass(frozen=True)
class LoadedRecipe:
    """A checked recipe, where it came from, and its plain data with overrides applied."""

    recipe: "Recipe"
    path: Path
    text: str
    plain: dict[str, Any]
    overrides: tuple[str, ...]
    positions: "Positions"

    def locate(self, key: str) -> Location:
        """The place of a dotted key, or of the nearest key around it."""
        return self.positions.key(tuple(int(part) if part.isdigit() else part for part in key.split(".")))


def load_recipe(reference: str | Path, overrides: Sequence[str] = ()) -> LoadedRecipe:
    """Read and check a recipe by its path or shipped name; RecipeError lists all its problems."""
    from dlkit.recipe.checks import check_recipe
    from dlkit.recipe.overrides import apply_overrides
    from dlkit.recipe.reader import parse, read_file

    path = find_recipe(reference)
    text = read_file(path)
    plain, positions = parse(text, shown_path(path))
    apply_overrides(plain, positions, overrides)
    return LoadedRecipe(check_recipe(plain, positions), path, text, plain, tuple(overrides), positions)


def find_recipe(reference: str | Path) -> Path:
    """An existing path, or a shipped recipe's name (a folder, such as that of its runs, does not hide it).

    InputError with the nearest names otherwise.
    """
    path, shipped = Path(reference), shipped_recipes()
    if str(reference) in shipped and not path.is_file():
        return shipped[str(reference)]
    if path.exists():
        return path
    if path.suffix in (".yaml", ".yml") and path.parent.name in ("", "recipes") and path.stem in shipped:
        return shipped[path.stem]
    raise InputError(f"no recipe {str(reference)!r}", closest(path.stem, list(shipped), "dlkit list recipes"))


def shipped_recipes() -> dict[str, Path]:
    """The recipes that come with dlkit, by name: beside the package in a clone, inside it in a wheel."""
    package = Path(__file__).parent.parent
    folders = (package / "shipped_recipes", package.parent / "recipes")
    folder = next((folder for folder in folders if folder.is_dir()), folders[0])
    return {path.stem: path for path in sorted(folder.rglob("*.yaml"), key=lambda path: path.stem)}


def shown_path(path: Path) -> str:
    """A path as short as it can be said from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def resolved_yaml(loaded: LoadedRecipe) -> str:
    """The recipe with its overrides applied, as YAML that reads back to the same recipe."""
    from dlkit.recipe.writer import to_yaml

    return to_yaml(loaded.plain)
