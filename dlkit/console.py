"""Everything that prints: results on stdout, notes and progress on stderr; plain lines where there is no terminal."""

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from dlkit.errors import DlkitError

if TYPE_CHECKING:
    from dlkit.diagnosis import Finding
    from dlkit.inspection import Inspection
    from dlkit.recipe.contract import Verdict
    from dlkit.recipe.schema import Recipe
    from dlkit.run_directory import RunDirectory
    from dlkit.training_run import TrainingResult


def _console(stream: str) -> Console:
    """A console on today's stdout or stderr; lines are never broken where no terminal sets their width."""
    file = getattr(sys, stream)
    return Console(file=file, width=None if file.isatty() else 100_000, highlight=False, markup=False, soft_wrap=True)


def line(text: str = "") -> None:
    """One line of a result."""
    _console("stdout").print(text)


def note(text: str) -> None:
    """One line that is no result: progress, what happens, what comes next."""
    _console("stderr").print(text)


def show_problems(error: DlkitError) -> None:
    """All problems of an error on stderr: place, message, and below it what to do."""
    for problem in error.problems:
        note(f"error: {problem}")
        if problem.hint:
            note(f"  {problem.hint}")


def print_json(value: Any) -> None:
    """One JSON value on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], right: Sequence[int] = ()) -> None:
    """A table of results, in plain columns where there is no terminal; `right` names the columns of numbers."""
    terminal = sys.stdout.isatty()
    grid = Table(box=None if not terminal else _box(), pad_edge=False, padding=(0, 2, 0, 0))
    for index, column in enumerate(columns):
        grid.add_column(column, justify="right" if index in right else "left", no_wrap=True)
    for row in rows:
        grid.add_row(*(str(cell) for cell in row))
    console = _console("stdout")
    if terminal:
        console.print(grid)
        return
    with console.capture() as capture:
        console.print(grid)
    for text in capture.get().splitlines():
        print(text.rstrip())


def _box() -> Any:
    from rich.box import SIMPLE_HEAD

    return SIMPLE_HEAD


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """A spinner on a terminal while something of unknown length happens."""
    if not sys.stderr.isatty():
        yield
        return
    with _console("stderr").status(text):
        yield


class TrainingProgress:
    """Progress of a training: a bar with speed, time left and metrics on a terminal, else one plain line per epoch."""

    def __init__(self, recipe: "Recipe", stream: str = "stderr") -> None:
        """Progress goes to `stream`: stdout, or stderr where stdout holds JSON alone."""
        self._stream = stream
        self._epochs = recipe.training.epochs
        self._batch_size = recipe.training.batch_size
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._started: tuple[float, int] = (0.0, 0)

    def __enter__(self) -> "TrainingProgress":
        if getattr(sys, self._stream).isatty():
            columns = (TextColumn("{task.description}"), BarColumn(bar_width=16), TimeRemainingColumn(compact=True))
            self._bar = Progress(*columns, TextColumn("{task.fields[logs]}"), console=_console(self._stream))
            self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, epoch: int, steps_done: int, steps: int) -> None:
        """An epoch (counted from 0) begins, or goes on after `steps_done` of its steps."""
        self._started = (time.perf_counter(), steps_done)
        if self._bar is None:
            return
        if self._task is None:
            self._task = self._bar.add_task("", total=steps * self._epochs, logs="")
        label = f"epoch {epoch + 1}/{self._epochs}"
        self._bar.update(self._task, completed=epoch * steps + steps_done, description=label)

    def progress(self, epoch: int, steps_done: int, steps: int, logs: Mapping[str, float]) -> None:
        """Some steps of an epoch are done."""
        if self._bar is None or self._task is None:
            return
        begun, first = self._started
        speed = (steps_done - first) * self._batch_size / max(time.perf_counter() - begun, 1e-9)
        text = f"{speed:,.0f}/s  {_metrics(logs)}"
        self._bar.update(self._task, completed=epoch * steps + steps_done, logs=text)

    def epoch_done(self, epoch: int, row: Mapping[str, float]) -> None:
        """An epoch is done: one line of its metrics."""
        logs = {name: value for name, value in row.items() if name not in ("epoch", "seconds", "learning_rate")}
        text = f"epoch {epoch + 1}/{self._epochs}  {_metrics(logs)}  {row['seconds']:.1f} s"
        if self._bar is not None:
            self._bar.console.print(text)
        else:
            print(text, file=getattr(sys, self._stream), flush=True)


def _metrics(logs: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4f}" for name, value in logs.items())


def show_training(result: "TrainingResult") -> None:
    """Where the run is, what it reached, and what to do next."""
    line(f"trained  {_metrics({k: v for k, v in result.metrics.items() if k != 'learning_rate'})}")
    line(f"run      {result.run.path}")
    line(f"figures  {result.run.path / 'figures'}")
    for difference in result.differences:
        line(f"contract {difference}")
    note(f"next: dlkit evaluate {result.run.path}")


def show_evaluation(
    run: "RunDirectory", split: str, metrics: Mapping[str, float], verdicts: Sequence["Verdict"]
) -> None:
    """Metrics of a split, beside the contract's bounds and the lecture's figures."""
    line(f"{run.path} on {split}")
    by_name = {verdict.name: verdict for verdict in verdicts}
    rows = [_metric_row(name, value, by_name.pop(name, None)) for name, value in metrics.items()]
    rows += [_metric_row(name, None, verdict) for name, verdict in by_name.items()]
    table(("metric", "value", "bound", "lecture", "contract"), rows, right=(1, 3))


def _metric_row(name: str, value: float | None, verdict: "Verdict | None") -> list[str]:
    shown = "" if value is None else f"{value:.4f}"
    if verdict is None:
        return [name, shown, "", "", ""]
    bounds = [f">= {verdict.at_least:g}"] if verdict.at_least is not None else []
    bounds += [f"<= {verdict.at_most:g}"] if verdict.at_most is not None else []
    lecture = "" if verdict.lecture is None else f"{verdict.lecture:g}"
    state = {True: "passed", False: "failed", None: verdict.reason}[verdict.passed]
    return [name, shown, " and ".join(bounds), lecture, state]


def show_predictions(results: Sequence[Mapping[str, Any]]) -> None:
    """One line per input: label and probability, or values."""
    if results and "label" in results[0]:
        rows = [(row["input"], row["label"], f"{row['probability']:.4f}") for row in results]
        table(("input", "label", "probability"), rows, right=(2,))
    else:
        table(("input", "values"), [(row["input"], row["values"]) for row in results])


def show_export(path: Path, certificate: Mapping[str, Any], *, verified: bool) -> None:
    """Where the artefact is and what its certificate says."""
    line(f"{'verified' if verified else 'exported'}    {path}")
    line(
        f"certificate largest difference {certificate['largest_absolute_difference']:.2g}, labels agree on "
        f"{certificate['label_agreement']:.1%} of {certificate['samples']} samples, in a clean process without dlkit"
    )


def show_table(result: Mapping[str, Any], explain: bool) -> None:
    """A network's table as the lecture prints it, with its totals and its contract."""
    line(result["recipe"])
    rows = []
    for row in result["layers"]:
        shape = "x".join("?" if size is None else str(size) for size in row["output_shape"])
        cells = [row["layer"], row["name"], shape, f"{row['parameters']:,}"]
        if explain:
            cells += ["; ".join(row["explanation"]["sizes"]), row["explanation"]["parameters"]]
        rows.append(cells)
    headers = ["layer", "name", "output", "parameters"] + (["output size", "parameters, by hand"] if explain else [])
    table(headers, rows, right=(3,))
    counts = result["parameters"]
    line(f"total {counts['total']:,}  trainable {counts['trainable']:,}  non-trainable {counts['non_trainable']:,}")
    show_contract(result["contract"])


def show_contract(contract: Mapping[str, Any]) -> None:
    """Whether the counts and rows are those of the recipe's contract."""
    if contract["passed"]:
        line("contract passed")
    for difference in contract["differences"]:
        line(f"contract {difference}")


def show_counts(results: Sequence[Mapping[str, Any]]) -> None:
    """Counts of many recipes, each against its contract."""
    rows = []
    for result in results:
        counts = result["parameters"]
        state = "passed" if result["contract"]["passed"] else result["contract"]["differences"][0]
        rows.append((result["recipe"], *(f"{counts[k]:,}" for k in ("total", "trainable", "non_trainable")), state))
    table(("recipe", "total", "trainable", "non-trainable", "contract"), rows, right=(1, 2, 3))


def show_demo(run: "RunDirectory") -> None:
    """Where the demo's results are and what to try next."""
    exports = run.path / "exports" / "saved_model" / run.recipe_name
    for name, place in (("run", run.path), ("figures", run.path / "figures"), ("SavedModel", exports)):
        line(f"{name:<11} {place}")
    line("\nTry next:")
    for command, what in (
        ("dlkit list", "shipped recipes, datasets, layers"),
        (f"dlkit summary {run.recipe_name} --explain", "the arithmetic of every layer"),
        ("dlkit new my_net --from mnist_cnn", "a recipe of your own"),
        ("dlkit train mnist_mlp", "the lecture's 932,362 parameters on MNIST (downloads it once)"),
    ):
        line(f"  {command:<38} {what}")


def show_reproduction(result: Mapping[str, Any]) -> None:
    """The verdict on a run that was trained again, the first divergence, and the figures beside each other."""
    line(f"{result['verdict']}    {result['run']}")
    if result["first_divergence"] is not None:
        line(f"first divergence: {result['first_divergence']['where']}: {result['first_divergence']['detail']}")
    for difference in result["environment"]:
        line(f"version: {difference}")
    rows = [(name, repr(pair["run"]), repr(pair["now"])) for name, pair in result["metrics"].items()]
    if rows:
        table(("metric of the last epoch", "run", "now"), rows, right=(1, 2))


def note_repetition(entry: Mapping[str, Any]) -> None:
    """One seed of a repetition is done."""
    note(f"seed {entry['seed']}  {entry.get('failed') or _metrics(entry['evaluation'])}")


def show_repetition(result: Mapping[str, Any]) -> None:
    """Mean and spread of a recipe's metrics over its seeds."""
    failed = [entry for entry in result["seeds"] if "failed" in entry]
    line(f"{result['recipe']}, {len(result['seeds']) - len(failed)} of {len(result['seeds'])} seeds")
    rows = []
    for part, title in (("train", "last epoch"), ("evaluation", result["split"])):
        for name, spread in result["statistics"].get(part, {}).items():
            values = (spread[key] for key in ("mean", "standard_deviation", "min", "max"))
            rows.append((title, name, *("" if value is None else f"{value:.5f}" for value in values)))
    table(("measured on", "metric", "mean", "standard deviation", "min", "max"), rows, right=(2, 3, 4, 5))
    for entry in failed:
        line(f"seed {entry['seed']} failed: {entry['failed']}")
    line(f"written  {result['file']}")


def show_band(band: Mapping[str, Any] | None) -> None:
    """Whether a run's metrics lie where its recipe's repetitions lie."""
    for name, entry in (band or {}).items():
        state = "inside" if entry["inside"] else "OUTSIDE"
        line(f"{name} is {state} the recipe's band {entry['low']:.4f} to {entry['high']:.4f} (dlkit repeat)")


def show_inspection(found: "Inspection") -> None:
    """What an artefact holds, then whether it is safe and why not; names in it cannot steer the terminal."""
    lines = [f"{found.path}  {found.kind}"]
    for title, content in found.contents.items():
        if isinstance(content, dict) and content:
            lines += [title, *(f"  {key}  {_inspected(value)}" for key, value in content.items())]
        else:
            lines.append(f"{title}  {_inspected(content)}")
    lines += ["safe" if found.safe else "NOT SAFE", *(f"  {reason}" for reason in found.reasons)]
    for text in lines:
        line("".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text))


def _inspected(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def show_data(content: Mapping[str, Any]) -> None:
    """What a recipe's data holds: classes by split, duplicates, unreadable files, and warnings last."""
    splits = content["splits"]
    line(f"{content['recipe']}: " + ", ".join(f"{name} {split['examples']:,}" for name, split in splits.items()))
    classes = next(iter(splits.values())).get("classes", {})
    if classes:
        rows = [(label, *(split["classes"][label] for split in splits.values())) for label in classes]
        table(("class", *splits), rows, right=range(1, len(splits) + 1))
    rows = []
    for title, key in (("exact", "exact_duplicates"), ("near", "near_duplicates")):
        found = content[key] or {}
        rows += [(title, f"within {name}", count) for name, count in found.get("within", {}).items()]
        rows += [(title, pair, count) for pair, count in found.get("across", {}).items()]
    table(("duplicates", "where", "examples"), rows, right=(2,))
    if content["near_duplicates"] and not content["near_duplicates"]["selective"]:
        line("near duplicates say little here: the pictures are too simple for the hash to tell them apart")
    for group in content["conflicting_labels"]["first"]:
        line(f"equal, with different targets: {', '.join(group)}")
    for entry in content["unreadable"]:
        line(f"unreadable: {entry['reason']}")
    for warning in content["warnings"]:
        line(f"warning: {warning}")


def show_finding(finding: "Finding") -> None:
    """One finding of the doctor, and below it what to do."""
    line(f"{finding.level:<8} {finding.subject:<10} {finding.text}")
    if finding.hint:
        line(f"{'':<20}{finding.hint}")
