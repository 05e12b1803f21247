"""dlkit completion: print a script that completes dlkit's words in a shell."""

from typing import Annotated

import typer

from dlkit.process import COMPLETE

SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")


def completion(
    shell: Annotated[str, typer.Argument(help=f"{', '.join(SHELLS)}.", autocompletion=lambda: list(SHELLS))],
) -> None:
    """Print a script for a shell that completes verbs, options and recipes."""
    from typer.completion import get_completion_script

    from dlkit import console
    from dlkit.cli._options import check_choice

    check_choice("shell", shell, SHELLS)
    console.line(get_completion_script(prog_name="dlkit", complete_var=COMPLETE, shell=shell))


def prepare() -> None:
    """Make typer answer the request of a shell's completion script, which is in the variable COMPLETE."""
    from typer.completion import completion_init

    completion_init()
