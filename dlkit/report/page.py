"""Write the page of a run."""

from pathlib import Path
from typing import Any

from dlkit import __version__
from dlkit.errors import DlkitError
from dlkit.files.atomic import write_text
from dlkit.model.trained import TrainedModel, open_run
from dlkit.recipe import LoadedRecipe, load_recipe
from dlkit.recipe.header import read_header
from dlkit.report import about, browser, network, results
from dlkit.report.rendering import filled
from dlkit.runs.directory import RunDirectory
from dlkit.runs.listing import describe
from dlkit.runs.parents import with_kept_source

SECTIONS = (
    ("claim", "Claim"),
    ("diagnosis", "Diagnosis"),
    ("data", "Data"),
    ("network", "Network"),
    ("curves", "Curves"),
    ("results", "Results"),
    ("try", "Try it"),
    ("certificates", "Certificates"),
    ("reproduce", "Reproduce"),
)


def write_page(run: RunDirectory, path: Path, with_model: bool = False) -> Path:
    """Write everything that a run directory has to show into one HTML file.

    with_model: the network runs in the page; raises InputError for one that has layers that it cannot run.
    """
    write_text(path, filled("report.html", content(run, with_model)))
    return path


def content(run: RunDirectory, with_model: bool) -> dict[str, Any]:
    """Return what the page of a run shows, by section."""
    loaded = with_kept_source(load_recipe(run.resolved_recipe), run)
    trained = open_run(run) if with_model else _opened(run)
    charts, splits = results.curves(run), results.splits(run)
    figures = results.figures(run, bool(charts))
    found = {
        "version": __version__,
        "run": head(run, loaded),
        "claim": about.claim(run, loaded),
        "diagnosis": about.diagnosis(run),
        "data": about.data(run, loaded),
        "network": table(run, loaded),
        "filters": network.filters(trained) if trained else None,
        "charts": charts,
        "splits": splits,
        "figures": figures,
        "browser": browser.network_of(trained) if with_model and trained else None,
        "certificates": about.certificates(run),
        "environment": about.environment(run),
        "commands": about.commands(run, loaded),
    }
    shown = {"curves": charts, "results": splits or figures["shown"], "try": found["browser"]}
    return found | {"sections": [(key, name) for key, name in SECTIONS if shown.get(key, True)]}


def head(run: RunDirectory, loaded: LoadedRecipe) -> dict[str, Any]:
    """Return the name, the state and the purpose of a run."""
    described = describe(run)
    header = read_header(run.path / "recipe.yaml") if (run.path / "recipe.yaml").is_file() else {}
    names = {"recipe": loaded.recipe.name, "run": run.path.absolute().name, "task": loaded.recipe.task.name}
    about_it = {"what": header.get("what", ""), "source": header.get("Source", "")}
    return names | about_it | {key: described[key] for key in ("started", "finished", "epochs")}


def _opened(run: RunDirectory) -> TrainedModel | None:
    """Return the run's network, None for an unfinished run or one whose network cannot be built here."""
    try:
        return open_run(run) if run.finished else None
    except DlkitError:
        return None


def table(run: RunDirectory, loaded: LoadedRecipe) -> dict[str, Any]:
    """Return the table of a run's network, or the problem why it cannot be built here."""
    try:
        return network.table(run, loaded)
    except DlkitError as error:
        return {"problem": str(error)}
