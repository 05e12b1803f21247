"""Write the model card of a run: a Markdown file with the headings of Mitchell et al. (2019)."""

from pathlib import Path

from dlkit.files.atomic import write_text
from dlkit.recipe import load_recipe
from dlkit.report import about, page, results
from dlkit.report.rendering import filled
from dlkit.runs.directory import RunDirectory
from dlkit.runs.parents import with_kept_source


def write_card(run: RunDirectory, path: Path) -> Path:
    """Write a model card from the run directory alone; what a run cannot know is left to be filled in, and says so."""
    loaded = with_kept_source(load_recipe(run.resolved_recipe), run)
    described = page.head(run, loaded)
    found = {
        "run": described,
        "claim": about.claim(run, loaded),
        "diagnosis": about.diagnosis(run),
        "data": about.data(run, loaded),
        "network": page.table(run, loaded),
        "splits": results.splits(run),
        "certificates": about.certificates(run),
        "environment": dict(about.environment(run)),
        "commands": about.commands(run, loaded),
        "optimizer": loaded.recipe.training.optimizer.name,
        "training": loaded.recipe.training,
    }
    write_text(path, filled("card.md", found))
    return path
