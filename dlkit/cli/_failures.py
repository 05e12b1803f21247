"""Show what went wrong: text on stderr and, where --json asks for it, one JSON object on stdout."""

import sys
from typing import Any

import typer

from dlkit.errors import DlkitError, ExitCode, InputError
from dlkit.process import DEBUG, is_set

# Keys that people give as options; the recipe's schema, which has them all, is slow to import.
_KEYS = {key: f"training.{key}" for key in ("epochs", "batch_size", "seed", "optimizer", "precision", "callbacks")} | {
    key: f"data.{key}" for key in ("limit", "validation", "resize", "augment", "source")
}

UsageError: type[Exception] = typer.BadParameter.__bases__[0]  # of a missing argument, an unknown option and so on


def show_failure(error: DlkitError) -> ExitCode:
    """Show a user's error, and return its exit code; with --debug raise it instead."""
    if is_set(DEBUG):
        raise error
    from dlkit import console

    if _wants_json():
        console.print_json(error.to_json())
    console.show_problems(error)
    return error.exit_code


def show_usage_error(error: Any) -> ExitCode:
    """Show an error in the words or options of a command line, and return its exit code."""
    from dlkit import console

    meant = _meant(error)
    if _wants_json() and error.format_message():
        verb = error.ctx.command_path if error.ctx else "dlkit"
        console.print_json(InputError(error.format_message(), meant or f"see `{verb} --help`").to_json())
    error.show()
    if meant:
        console.note(f"  {meant}")
    return ExitCode.BAD_INPUT


def _meant(error: Any) -> str:
    """Return what an unknown option was meant to be: one with two dashes, or a key of the recipe."""
    if not hasattr(error, "option_name") or error.ctx is None:
        return ""
    options = [option for parameter in error.ctx.command.params for option in parameter.opts]
    single = [word for word in sys.argv[1:] if word.startswith(error.option_name) and f"-{word}" in options]
    if single:
        return f"did you mean -{single[0]}?"
    key = error.option_name.strip("-").replace("-", "_")
    return f"a key of the recipe is changed by --set: --set {_KEYS[key]}=VALUE" if key in _KEYS else ""


def _wants_json() -> bool:
    words = sys.argv[1:]
    return "--json" in (words[: words.index("--")] if "--" in words else words)
