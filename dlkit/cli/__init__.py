"""The command line: one file per verb, and the code that all verbs share."""

import sys
from typing import Annotated, Any

import typer

from dlkit.cli import (
    arithmetic,
    attack,
    compare,
    completion,
    crossval,
    data,
    demo,
    diagnose,
    doctor,
    encode,
    evaluate,
    export,
    gradcheck,
    gradients,
    inspect_,
    lesion,
    list_,
    lr_range,
    new,
    pca,
    plot,
    predict,
    repeat,
    report,
    reproduce,
    runs,
    schema,
    search,
    serve,
    shrink,
    summary,
    sweep,
    train,
    validate,
    worked,
)
from dlkit.cli._failures import UsageError, show_failure, show_usage_error
from dlkit.cli._options import reads_recipes
from dlkit.errors import DlkitError, ExitCode, MissingError
from dlkit.machine.interruption import Interrupted, end_with_parent, heed_interrupts, was_interrupted
from dlkit.machine.limits import ensure_home, heed_processor_time
from dlkit.machine.streams import failure, make_dependable
from dlkit.process import COMPLETE, DEBUG, is_set, set_variable

app = typer.Typer(
    name="dlkit",
    no_args_is_help=True,
    rich_markup_mode=None,  # its import would take longer than all the rest of `--help`
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo.demo)
app.command()(reads_recipes(train.train))
app.command()(reads_recipes(evaluate.evaluate))
app.command()(reads_recipes(reproduce.reproduce))
app.command()(reads_recipes(repeat.repeat))
app.command()(reads_recipes(crossval.crossval))
app.command()(reads_recipes(attack.attack))
app.command()(reads_recipes(lesion.lesion))
app.command()(reads_recipes(gradients.gradients))
app.command()(reads_recipes(pca.pca))
app.command()(reads_recipes(search.search))
app.command()(reads_recipes(sweep.sweep))
app.command()(reads_recipes(gradcheck.gradcheck))
app.command(name="lr-range")(reads_recipes(lr_range.lr_range))
app.command()(reads_recipes(data.data))
app.command()(reads_recipes(diagnose.diagnose))
app.command()(reads_recipes(report.report))
app.command()(reads_recipes(compare.compare))
app.command()(doctor.doctor)
app.command()(reads_recipes(predict.predict))
app.command()(reads_recipes(encode.encode))
app.command()(reads_recipes(summary.summary))
app.add_typer(arithmetic.app, name="arithmetic")
app.command()(worked.worked)
app.command()(reads_recipes(plot.plot))
app.command()(reads_recipes(export.export))
app.command()(serve.serve)
app.command()(reads_recipes(shrink.shrink))
app.command(name="inspect")(inspect_.inspect)
app.command()(reads_recipes(validate.validate))
app.command(name="list")(reads_recipes(list_.list_components))
app.command()(reads_recipes(new.new))
app.add_typer(runs.app, name="runs")
app.command()(reads_recipes(schema.schema))
app.command()(completion.completion)


@app.callback(invoke_without_command=True)
def dlkit(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks of user errors too (also DLKIT_DEBUG=1).")
    ] = False,
) -> None:
    """Turn a YAML recipe into a trained, evaluated, deployable Keras model, with proof."""
    if debug:
        set_variable(DEBUG, "1")
    if version:
        from dlkit import __version__

        print(f"dlkit {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; print user errors without a traceback and exit with the documented codes."""
    end_with_parent()
    make_dependable()
    if is_set(COMPLETE):
        completion.prepare()
    heed_processor_time()
    heed_interrupts()
    code, reason = _exit_code(), failure("stdout")
    if reason is not None:
        hint = "what a verb writes to files, such as a run, is complete; print the rest again elsewhere"
        code = code or show_failure(MissingError(f"cannot write to stdout: {reason}", hint))
    sys.exit(code)


def _exit_code() -> Any:
    """Run the verb of the command line and return its exit code."""
    try:
        ensure_home()
        code = app(prog_name="dlkit", standalone_mode=False)
        return show_failure(Interrupted("interrupted")) if code == ExitCode.INTERRUPTED else code
    except UsageError as error:
        return show_usage_error(error)
    except DlkitError as error:
        return show_failure(error)
    except KeyboardInterrupt:
        return show_failure(Interrupted("interrupted"))
    except OSError as error:
        if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):
            hint = "set TMPDIR to a folder that can be written to"
            return show_failure(MissingError(str(error.strerror), hint))
        if error.filename is None:
            raise
        from dlkit.safety.files import denied

        return show_failure(denied(error))
    except Exception:
        if not was_interrupted():
            raise
        return show_failure(Interrupted("interrupted"))
