"""Print the results of training, evaluation, prediction and export."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.console._grid import table
from dlkit.console._primitives import line, lines, metric_texts, note
from dlkit.formatting import byte_size, measured, percent, rounded

if TYPE_CHECKING:
    from dlkit.evaluation.evaluate import Evaluation
    from dlkit.experiments.speed import Speed
    from dlkit.recipe.contract import Verdict
    from dlkit.runs.directory import RunDirectory
    from dlkit.training.run import TrainingResult


def show_training(result: "TrainingResult") -> None:
    """Print a training's metrics, where the run is, and the next command."""
    shown = {name: value for name, value in result.metrics.items() if not name.startswith("learning_rate")}
    lines(["trained", *metric_texts(shown)])
    _show_learned(result.learned)
    line(f"run      {result.run.path}")
    line(f"figures  {result.run.path / 'figures'}")
    for difference in result.differences:
        line(f"contract failed: {difference}")
    note(f"next: {result.next_command}")


def _show_learned(learned: Mapping[str, Any]) -> None:
    """Print every weight of a small network, and its answer to each sample."""
    for weight in learned.get("weights", ()):
        line(f"{weight['name']:<8} {_numbers(weight['values'])}")
    rows = [
        [
            *(_numbers(sample[key]) for key in ("input", "target", "output")),
            {True: "right", False: "wrong"}.get(sample.get("right"), ""),
        ]
        for sample in learned.get("samples", ())
    ]
    if rows:
        table(("input", "target", "output", ""), rows, right=(0, 1, 2))


def _numbers(values: Any) -> str:
    """Return the numbers in nested lists, in full precision."""
    return "  ".join(map(_numbers, values)) if isinstance(values, list) else repr(values)


def show_speed(speed: "Speed") -> None:
    """Print where a training step's time goes, what share of the machine's peak it uses, and what would be faster."""
    wait = speed.input_wait_seconds / speed.step_seconds
    line(f"step           {rounded(1e3 * speed.step_seconds, 3)} ms for {speed.batch_size} examples")
    line(f"compute        {rounded(1e3 * speed.compute_seconds, 3)} ms, the same step on a batch already in memory")
    line(f"input wait     {rounded(1e3 * speed.input_wait_seconds, 3)} ms ({wait:.0%} of the step)")
    line(f"throughput     {speed.examples_per_second:,.0f} examples/s")
    reached, peak = speed.operations / speed.step_seconds / 1e9, speed.peak / 1e9
    each = speed.operations / speed.batch_size / 1e6
    line(f"share of peak  {speed.share_of_peak:.0%}: {reached:,.1f} of {peak:,.0f} GFLOP/s in float32")
    line(f"work           {rounded(each, 3)} MFLOP per example, forward and backward")
    for setting, gain in speed.faster.items():
        line(f"faster         {setting} gives {gain:.2f} times the throughput, and different results")
    if not speed.faster:
        line("faster         none of the settings tried: precision, a larger batch")


def show_evaluation(result: "Evaluation") -> None:
    """Print the metrics of a split beside the contract's bounds and the lecture's figures."""
    where = f" of {result.other_data}, {result.examples:,} examples, not the run's data" if result.other_data else ""
    line(f"{result.run.path} on {result.split}{where}")
    by_name = {verdict.name: verdict for verdict in result.verdicts}
    rows = [_metric_row(name, value, by_name.pop(name, None)) for name, value in result.metrics.items()]
    rows += [_metric_row(name, None, verdict) for name, verdict in by_name.items()]
    titles = ("metric", "value", "bound", "lecture", "contract")
    used = [number for number in range(len(titles)) if number < 2 or any(row[number] for row in rows)]
    kept = [titles[number] for number in used]
    right = [kept.index(title) for title in ("value", "lecture") if title in kept]
    table(kept, [[row[number] for number in used] for row in rows], right=right)


def _metric_row(name: str, value: float | None, verdict: "Verdict | None") -> list[str]:
    shown = "" if value is None else measured(value)
    if verdict is None:
        return [name, shown, "", "", ""]
    bounds = [f">= {verdict.at_least:g}"] if verdict.at_least is not None else []
    bounds += [f"<= {verdict.at_most:g}"] if verdict.at_most is not None else []
    lecture = "" if verdict.lecture is None else f"{verdict.lecture:g}"
    state = {True: "passed", False: "failed", None: verdict.reason}[verdict.passed]
    return [name, shown, " and ".join(bounds), lecture, state]


def show_predictions(rows: Sequence[Mapping[str, str]]) -> None:
    """Print one line per input, with the columns of its task's predictions."""
    columns = list(dict.fromkeys(name for row in rows for name in row)) or ["input"]
    right = [index for index, name in enumerate(columns) if name == "probability"]
    table(columns, [[row.get(name, "") for name in columns] for row in rows], right=right)


def show_export(path: Path, certificate: Mapping[str, Any], *, verified: bool) -> None:
    """Print where the artefact is, the result of its certificate, its latency, and what its caller must do."""
    line(f"{'verified' if verified else 'exported'}    {path}")
    difference, agreement = certificate["largest_absolute_difference"], certificate["label_agreement"]
    labels = "on" if agreement is None else f"labels agree on {percent(agreement)} of"
    line(
        f"certificate largest difference {difference:.2g}, {labels} {_compared(certificate)}, "
        "in a clean process without dlkit"
    )
    if certificate["metric"] is not None:
        metric = certificate["metric"]
        line(f"{metric['name']:<11} {measured(metric['artefact'])}, of the run {measured(metric['run'])}")
    if certificate["precision"] != "float32" and certificate["tolerance"] is not None:
        allowed = certificate["tolerance"]
        line(f"tolerance   {allowed['absolute']:.2g} + {allowed['relative']:.2g} |y|, for {certificate['precision']}")
    for size, latency in (certificate["latency"] or {"batches": {}})["batches"].items():
        line(f"batch {size:<5} {_speed(latency)}, {certificate['latency']['threads']} threads")
    for step in certificate.get("caller", ()):
        line(f"caller      {step}")


def _compared(certificate: Mapping[str, Any]) -> str:
    """Return which examples were compared: those of validation, if it was read, and the run's samples."""
    found = certificate["validation"]
    if found is None:
        return f"{certificate['samples']} samples"
    part = "all" if found["examples"] == found["of"] else f"{found['examples']} of"
    return f"{part} {found['of']} validation examples"


def _speed(latency: Mapping[str, Any]) -> str:
    low, high = latency["spread_ms"]
    return (
        f"p50 {latency['p50_ms']:.2f} ms ({low:.2f} to {high:.2f} in rounds), p99 {latency['p99_ms']:.2f} ms, "
        f"{latency['examples_per_second']:,.0f} examples/s"
    )


def show_formats(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print one table over formats, and below it the reasons of those without a certificate."""
    table(FORMAT_COLUMNS, [_format_cells(row) for row in rows], right=range(2, len(FORMAT_COLUMNS)))
    for row in rows:
        if row["reason"]:
            line(f"{row['format']}: {row['reason']}")
    timed = next((row["certificate"]["latency"] for row in rows if row["path"] and row["certificate"]["latency"]), None)
    if timed is not None:
        line(f"p50 of {timed['rounds']} interleaved rounds, {timed['threads']} threads, {timed['processor']}")


FORMAT_COLUMNS = ("format", "status", "size", "metric", "agreement", "difference", "ms at 1", "ms at 64", "examples/s")


def _format_cells(row: Mapping[str, Any]) -> list[str]:
    certificate = row["certificate"]
    if certificate is None:
        return [row["format"], row["status"], *[""] * 7]
    metric, agreement = certificate["metric"], certificate["label_agreement"]
    difference = certificate["largest_absolute_difference"]
    batches = (certificate["latency"] or {"batches": {}})["batches"]
    return [
        row["format"],
        row["status"],
        byte_size(certificate["size"]),
        "" if metric is None else measured(metric["artefact"]),
        "" if agreement is None else percent(agreement),
        "not finite" if difference is None else f"{difference:.1e}",
        *(f"{batches[size]['p50_ms']:.2f}" if size in batches else "" for size in ("1", "64")),
        f"{[*batches.values()][-1]['examples_per_second']:,.0f}" if batches else "",
    ]


def show_serving(about: Mapping[str, Any]) -> None:
    """Print where a server answers."""
    line(f"page     {about['url']}/")
    line(f"API      {about['url']}/v1/models/{about['models'][0]['name']}:predict")


def show_shrink(result: Mapping[str, Any]) -> None:
    """Print the table of candidates, the smallest within the budget, and where the table is."""
    rows = [_candidate_cells(item) for item in result["candidates"]]
    table(("width", "format", "status", "size", "metric", "loss", "ms at 1", "exceeds"), rows, right=(0, 3, 4, 5, 6))
    for width, reason in result["failed_trainings"].items():
        line(f"width {width} was not trained: {reason}")
    chosen, test = result["chosen"], result["test"]
    if chosen is None:
        line("chosen      nothing is within the budget")
    else:
        line(f"chosen      {chosen['path']}")
    if test is not None:
        line(f"test        {test['name']} {measured(test['artefact'])}, of the run {measured(test['run'])}")
    line(f"written     {result['file']}")


def _candidate_cells(item: Mapping[str, Any]) -> list[str]:
    numbers = [item["metric"], item["loss"]]
    return [
        f"{item['width']:g}",
        item["format"],
        item["status"],
        "" if item["size"] is None else byte_size(item["size"]),
        *("" if number is None else measured(number) for number in numbers),
        "" if item["latency_ms"] is None else f"{item['latency_ms']:.2f}",
        ", ".join(item["exceeds"]),
    ]


def show_run(content: Mapping[str, Any]) -> None:
    """Print when a run started, how far it is, its metrics and its evaluations."""
    line(f"run      {content['name']}")
    line(f"recipe   {content['recipe']}  {' '.join(content['overrides'])}".rstrip())
    line(f"started  {content['started']}")
    if content["from"]:
        line(f"from     {content['from']}")
    line(f"state    {'finished' if content['finished'] else 'unfinished'}, {content['epochs']} epochs")
    for name, metrics in {"training": content["metrics"], **content["evaluation"]}.items():
        shown = {key: value for key, value in metrics.items() if not key.startswith("learning_rate")}
        if shown:
            lines([f"{name:<8}", *metric_texts(shown)])


def show_demo(run: "RunDirectory") -> None:
    """Print where the demo's results are and what to try next."""
    exports = run.path / "exports" / "saved_model" / run.recipe_name
    for name, place in (("run", run.path), ("figures", run.path / "figures"), ("SavedModel", exports)):
        line(f"{name:<11} {place}")
    line()
    line("Try next:")
    for command, what in (
        ("dlkit list", "shipped recipes, datasets, layers"),
        (f"dlkit summary {run.recipe_name} --explain", "the arithmetic of every layer"),
        ("dlkit new my_net --from mnist_cnn", "a recipe of your own"),
        ("dlkit train mnist_mlp", "the lecture's 932,362 parameters on MNIST (downloads it once)"),
    ):
        line(f"  {command:<38} {what}")
