"""Options that several verbs share, and what they set."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from dlkit.process import OFFLINE, RUNS, TFDS_DATA, set_variable

Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the recipe, such as training.epochs=1."),
]


def _into_environment(runs_dir: Path | None) -> Path | None:
    """Recipes may name runs too, and children look for them; they find them where this process does."""
    if runs_dir is not None:
        set_variable(RUNS, str(runs_dir))
    return runs_dir


RunsDir = Annotated[
    Path | None,
    typer.Option(
        "--runs-dir",
        callback=_into_environment,
        help="Where runs are kept [default: DLKIT_RUNS or ./saved_models].",
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Where tfds datasets are [default: TFDS_DATA_DIR or ~/tensorflow_datasets]."),
]
Deterministic = Annotated[
    bool, typer.Option("--deterministic", help="Only operations that give the same bits every time.")
]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="Threads for computing [default: one per core].")]
Offline = Annotated[bool, typer.Option("--offline", help="Open no network connection; missing data is an error.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value on stdout and nothing else.")]
Run = Annotated[
    str | None,
    typer.Argument(metavar="[RUN]", help="A run directory, a recipe's name (its latest run), or nothing (the latest)."),
]
CHECKPOINTS = ("last", "best")
Checkpoint = Annotated[str, typer.Option("--checkpoint", help="last, or best (by the monitored validation metric).")]
Tile = Annotated[
    int | None,
    typer.Option("--tile", min=1, help="Segment images by tiles of about so many pixels [default: whole images]."),
]
Overlap = Annotated[
    int | None,
    typer.Option("--overlap", min=0, help="Pixels seen around a tile [default: as far as the network looks]."),
]


Components = Annotated[
    Path | None,
    typer.Option("--components", metavar="DIR", help="Your own components, such as DIR/models/x.py; they are run."),
]


def reads_recipes(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb with --components beside its own options, so that recipes can name what is in a user's folders."""

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


def apply_data_options(data_dir: Path | None, offline: bool) -> None:
    """Hand --data-dir and --offline to the datasets through the environment, for this process and its children."""
    if data_dir is not None:
        set_variable(TFDS_DATA, str(data_dir))
    if offline:
        set_variable(OFFLINE, "1")


def check_choice(option: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise InputError when an option has none of the allowed values."""
    if value not in allowed:
        from dlkit.errors import InputError, closest

        raise InputError(f"{option} {value!r} is not known", closest(value, list(allowed)))


def check_ending(option: str, path: Path, ending: str) -> None:
    """Raise InputError when the name of a file to be written has another ending, before any work."""
    if path.suffix != ending:
        from dlkit.errors import InputError

        raise InputError(f"{option} {path} is no {ending}", f"give a name that ends in {ending}")
