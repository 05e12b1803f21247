"""The command line: one file per verb, and here what they share."""

import os
import sys
from typing import Annotated

import typer

from dlkit.cli import (
    data,
    demo,
    doctor,
    encode,
    evaluate,
    export,
    inspect_,
    list_,
    new,
    predict,
    repeat,
    reproduce,
    runs,
    schema,
    summary,
    train,
    validate,
)
from dlkit.errors import DlkitError, ExitCode

app = typer.Typer(
    name="dlkit",
    no_args_is_help=True,
    rich_markup_mode=None,  # its import would take longer than all the rest of `--help`
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo.demo)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(reproduce.reproduce)
app.command()(repeat.repeat)
app.command()(data.data)
app.command()(doctor.doctor)
app.command()(predict.predict)
app.command()(encode.encode)
app.command()(summary.summary)
app.command()(export.export)
app.command(name="inspect")(inspect_.inspect)
app.command()(validate.validate)
app.command(name="list")(list_.list_components)
app.command()(new.new)
app.add_typer(runs.app, name="runs")
app.command()(schema.schema)


@app.callback(invoke_without_command=True)
def dlkit(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks of user errors too (also DLKIT_DEBUG=1).")
    ] = False,
) -> None:
    """Turn a YAML recipe into a trained, evaluated, deployable Keras model, with proof."""
    if debug:
        os.environ["DLKIT_DEBUG"] = "1"
    if version:
        from dlkit import __version__

        print(f"dlkit {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; user errors are printed without a traceback and become the documented exit codes."""
    try:
        app()
    except DlkitError as error:
        if os.environ.get("DLKIT_DEBUG"):
            raise
        from dlkit.console import show_problems

        show_problems(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone, as `| head` does
        sys.exit(ExitCode.DONE)
