"""Draw figures of a run. Results do not depend on them: what cannot be drawn is reported and left out."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from dlkit.errors import keras_reason
from dlkit.figures.style import save
from dlkit.files.atomic import write_file
from dlkit.runs.directory import RunDirectory


def write_figures(
    run: RunDirectory, figures: Mapping[str, Callable[[], Any]], split: str, note: Callable[[str], None]
) -> None:
    """Draw each figure into figures/<name>.png of a run, with recipe, run and split in its title.

    note: receives one warning for each figure that cannot be drawn or written.
    """
    kind = "run " if run.resolved_recipe.exists() else ""  # folders of experiments have a name of their own
    about = f"recipe {run.recipe_name}, {kind}{run.path.name}, {split}"
    for name, draw in figures.items():
        path = run.path / "figures" / f"{file_name(name)}.png"
        try:
            write_file(path, partial(save, draw(), about=about))
        except Exception as error:
            note(f"warning: {path} was not drawn: {keras_reason(error)}")


def file_name(name: str) -> str:
    """Return the name of a metric as a file name, without what would be a folder or a special character."""
    return re.sub(r"[^\w-]", "_", name)[:100]
