"""Find, read, override and check recipes."""

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
    """A checked recipe with its origin and its plain data after overrides."""

    recipe: "Recipe"
    path: Path
    text: str
    plain: dict[str, Any]
    overrides: tuple[str, ...]
    positions: "Positions"

    def locate(self, key: str) -> Location:
        """Return the position of a dotted key, or of the nearest enclosing key."""
        return self.positions.key(tuple(int(part) if part.isdigit() else part for part in key.split(".")))


def load_recipe(reference: str | Path, overrides: Sequence[str] = ()) -> LoadedRecipe:
    """Read and check a recipe given its path or shipped name; raise RecipeError with all of its problems."""
    from dlkit.recipe.checks import check_recipe
    from dlkit.recipe.overrides import apply_overrides
    from dlkit.recipe.reader import parse, read_file

    path = find_recipe(reference)
    text = read_file(path)
    plain, positions = parse(text, shown_path(path))
    apply_overrides(plain, positions, overrides)
    return LoadedRecipe(check_recipe(plain, positions), path, text, plain, tuple(overrides), positions)


def find_recipe(reference: str | Path) -> Path:
    """Return the path of a recipe, given as an existing path or a shipped recipe's name.

    A folder with the same name, such as the recipe's runs, does not hide a shipped recipe. Raise InputError with the
    closest names when there is no such recipe.
    """
    path, shipped = Path(reference), shipped_recipes()
    if str(reference) in shipped and not path.is_file():
        return shipped[str(reference)]
    if path.exists():
        return path
    if path.suffix in (".yaml", ".yml") and path.parent.name in ("", "recipes") and path.stem in shipped:
        return shipped[path.stem]
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        there = sorted(found.name for found in path.parent.glob("*.y*ml"))
        folder = "this folder" if path.parent == Path() else str(path.parent)
        hint = f"{folder} has {', '.join(there[:10])}" if there else f"write one: dlkit new {path.stem} --from RECIPE"
        raise InputError(f"there is no file {str(reference)!r}", hint)
    raise InputError(f"there is no recipe {str(reference)!r}", closest(path.stem, list(shipped), "dlkit list recipes"))


def shipped_recipes() -> dict[str, Path]:
    """Return the shipped recipes by name; they are next to the package in a clone and inside it in a wheel."""
    package = Path(__file__).parent.parent
    folders = (package / "shipped_recipes", package.parent / "recipes")
    folder = next((folder for folder in folders if folder.is_dir()), folders[0])
    return {path.stem: path for path in sorted(folder.rglob("*.yaml"), key=lambda path: path.stem)}


def shown_path(path: Path) -> str:
    """Return a path relative to the working directory if it lies below it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def resolved_yaml(loaded: LoadedRecipe) -> str:
    """Return the recipe with its overrides applied, as YAML that reads back as the same recipe."""
    from dlkit.recipe.writer import to_yaml

    return to_yaml(loaded.plain)
