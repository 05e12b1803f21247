"""Options that several verbs share, and the functions that apply them."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlkit.process import OFFLINE, RUNS, TFDS_DATA, set_variable

if TYPE_CHECKING:
    from dlkit.runs.directory import RunDirectory


def complete_recipes(incomplete: str) -> list[str]:
    """Return the shipped recipes, and the recipe files in the folder of the word, that begin like the word."""
    from dlkit.recipe import shipped_recipes

    folder = Path(f"{incomplete}x").parent
    files = [str(path) for pattern in ("*.yaml", "*.yml") for path in sorted(folder.glob(pattern))]
    return [word for word in (*shipped_recipes(), *files) if word.startswith(incomplete)]


Recipe = Annotated[
    str, typer.Argument(help="A recipe file, or the name of a shipped recipe.", autocompletion=complete_recipes)
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the recipe, such as training.epochs=1."),
]


def _into_environment(runs_dir: Path | None) -> Path | None:
    """Set DLKIT_RUNS, so that recipes that name runs and child processes look in the same folder."""
    if runs_dir is not None:
        set_variable(RUNS, str(runs_dir))
    return runs_dir


RunsDir = Annotated[
    Path | None,
    typer.Option(
        "--runs-dir",
        callback=_into_environment,
        help="Folder with all runs [default: DLKIT_RUNS or ./saved_models].",
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Folder with tfds datasets [default: TFDS_DATA_DIR or ~/tensorflow_datasets]."),
]
Deterministic = Annotated[
    bool, typer.Option("--deterministic", help="Use only operations that give bit-identical results every time.")
]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="Computing threads [default: one per core].")]
Offline = Annotated[bool, typer.Option("--offline", help="Open no network connection; missing data is an error.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value on stdout and nothing else.")]
Run = Annotated[
    str | None,
    typer.Argument(metavar="[RUN]", help="A run directory, a recipe's name (its latest run), or nothing (the latest)."),
]
Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="PATH", help="Where the data is now, if not where the recipe or the run says."),
]
CHECKPOINTS = ("last", "best")
Checkpoint = Annotated[str, typer.Option("--checkpoint", help="last or best (by the monitored validation metric).")]
Tile = Annotated[
    int | None,
    typer.Option("--tile", min=1, help="Segment images in tiles of about N pixels [default: whole images]."),
]
Overlap = Annotated[
    int | None,
    typer.Option("--overlap", min=0, help="Pixels of context around a tile [default: the network's receptive field]."),
]


Components = Annotated[
    Path | None,
    typer.Option("--components", metavar="DIR", help="Load your own components, such as DIR/models/x.py (runs them)."),
]


def reads_recipes(verb: Callable[..., None]) -> Callable[..., None]:
    """Add the option --components to a verb, so that recipes can name components from a user's folder."""

    @wraps(verb)
    def with_components(*arguments: Any, components: Path | None = None, **options: Any) -> None:
        if components is not None:
            from dlkit.catalog.find import use_folder

            use_folder(components)
        verb(*arguments, **options)

    own = signature(verb)
    last = Parameter("components", Parameter.KEYWORD_ONLY, default=None, annotation=Components)
    with_components.__signature__ = own.replace(parameters=[*own.parameters.values(), last])  # type: ignore[attr-defined]
    with_components.__annotations__ = {**verb.__annotations__, "components": Components}
    return with_components


def note_passed_over(run: "RunDirectory", reference: str | None, root: Path) -> None:
    """Note on stderr when the latest run of a reference is unfinished, so that an earlier one is used."""
    from dlkit.console import note
    from dlkit.runs.find import passed_over

    text = passed_over(run, reference, root)
    if text is not None:
        note(text)


def apply_data_options(data_dir: Path | None, offline: bool) -> None:
    """Pass --data-dir and --offline on through environment variables, to this process and its children."""
    if data_dir is not None:
        set_variable(TFDS_DATA, str(data_dir))
    if offline:
        set_variable(OFFLINE, "1")


def is_given(context: typer.Context, name: str) -> bool:
    """Return whether an option is on the command line, even with its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def check_choice(option: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise InputError when the value of an option is not one of the allowed values."""
    if value not in allowed:
        from dlkit.errors import InputError, closest

        raise InputError(f"unknown {option} {value!r}", closest(value, list(allowed)))


def check_ending(option: str, path: Path, ending: str) -> None:
    """Raise InputError when the name of an output file does not have this ending."""
    if path.suffix != ending:
        from dlkit.errors import InputError

        raise InputError(f"{option} {path} is not a {ending} file", f"give a name that ends in {ending}")
