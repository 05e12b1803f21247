"""Show what went wrong: text on stderr and, where --json asks for it, one JSON object on stdout."""

import sys
from typing import Any

import typer

from dlkit.errors import DlkitError, ExitCode, InputError
from dlkit.process import DEBUG, is_set

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
    if _wants_json() and error.format_message():
        from dlkit import console

        verb = error.ctx.command_path if error.ctx else "dlkit"
        console.print_json(InputError(error.format_message(), f"see `{verb} --help`").to_json())
    error.show()
    return ExitCode.BAD_INPUT


def _wants_json() -> bool:
    words = sys.argv[1:]
    return "--json" in (words[: words.index("--")] if "--" in words else words)
