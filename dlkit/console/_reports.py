"""Print the results of reproduce, repeat, search, sweep, inspect, data, doctor and lr-range."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.console._grid import table
from dlkit.console._primitives import line, metrics_text, note
from dlkit.formatting import measured, percent

if TYPE_CHECKING:
    from dlkit.doctor.checks import Finding
    from dlkit.experiments.lr_range import RangeTest
    from dlkit.runs.inspection import Inspection


def show_reproduction(result: Mapping[str, Any]) -> None:
    """Print the verdict on a run that was trained again, the first divergence, and the metrics side by side."""
    line(f"{result['verdict']}    {result['run']}")
    if result["first_divergence"] is not None:
        line(f"first divergence: {result['first_divergence']['where']}: {result['first_divergence']['detail']}")
    for difference in result["environment"]:
        line(f"version: {difference}")
    rows = [(name, repr(pair["run"]), repr(pair["now"])) for name, pair in result["metrics"].items()]
    if rows:
        table(("metric of the last epoch", "run", "now"), rows, right=(1, 2))


def note_repetition(entry: Mapping[str, Any]) -> None:
    """Print the result of one seed of a repetition."""
    note(f"seed {entry['seed']}  {entry.get('failed') or metrics_text(entry['evaluation'])}")


def show_repetition(result: Mapping[str, Any]) -> None:
    """Print the mean and spread of a recipe's metrics over its seeds."""
    failed = [entry for entry in result["seeds"] if "failed" in entry]
    line(f"{result['recipe']}, {len(result['seeds']) - len(failed)} of {len(result['seeds'])} seeds")
    rows = []
    for part, title in (("train", "last epoch"), ("evaluation", result["split"])):
        for name, spread in result["statistics"].get(part, {}).items():
            rows.append((title, name, *_spread(spread)))
    table(("measured on", "metric", "mean", "standard deviation", "min", "max"), rows, right=(2, 3, 4, 5))
    for entry in failed:
        line(f"seed {entry['seed']} failed: {entry['failed']}")
    line(f"written  {result['file']}")


def note_trial(trial: Mapping[str, Any]) -> None:
    """Print the result of one trial of a search."""
    settings = "  ".join(f"{_last(key)} {_shown(value)}" for key, value in trial["parameters"].items())
    found = trial["failed"] or (measured(trial["value"]) if trial["value"] is not None else trial["state"])
    note(f"trial {trial['number']}  {found}  {settings}")


def show_search(result: Mapping[str, Any]) -> None:
    """Print how many trials ended how, the best settings, and where everything is."""
    states = [trial["state"] for trial in result["trials"]]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    line(f"{result['recipe']}, {len(states)} trials: {counts}")
    best = result["best"]
    if best is None:
        line("no trial has finished its training")
        return
    line(f"best     trial {best['number']}: {result['monitor']} {measured(best['value'])}")
    table(("setting", "value"), [(key, _shown(value)) for key, value in best["parameters"].items()], right=(1,))
    line(f"recipe   {best['recipe']}")
    line(f"run      {best['run']}")
    line(f"figures  {Path(result['study']) / 'figures'}")


def note_combination(chosen: Mapping[str, Any], training: Mapping[str, Any]) -> None:
    """Print the result of one training of a sweep."""
    settings = "  ".join(f"{_last(key)} {_shown(value)}" for key, value in chosen.items())
    note(f"seed {training['seed']}  {training.get('failed') or measured(training['value'])}  {settings}")


def show_sweep(result: Mapping[str, Any]) -> None:
    """Print mean and spread of every combination of a sweep, those on test if they were measured, and the best."""
    combinations, best = result["combinations"], result["best"]
    line(f"{result['recipe']}, {len(combinations)} combinations, {len(result['seeds'])} seeds each")
    for part, title in (("statistics", "best epoch, validation"), ("test", "best epoch, test")):
        rows = [
            (*map(_shown, entry["parameters"].values()), name, *_spread(spread))
            for entry in combinations
            for name, spread in entry.get(part, {}).items()
        ]
        if rows:
            line(title)
            keys = _titles(list(combinations[0]["parameters"]))
            columns = (*keys, "metric", "mean", "standard deviation", "min", "max")
            table(columns, rows, right=range(len(keys) + 1, len(columns)))
    for entry in combinations:
        for training in (training for training in entry["trainings"] if "failed" in training):
            line(f"failed   seed {training['seed']}, {_settings(entry['parameters'])}: {training['failed']}")
    if best is not None:
        line(f"best     {_settings(best['parameters'])}: {result['monitor']} {measured(best['mean'])}")
    line(f"written  {result['file']}")


def _spread(spread: Mapping[str, float | None]) -> list[str]:
    values = (spread[key] for key in ("mean", "standard_deviation", "min", "max"))
    return ["" if value is None else measured(value, 5) for value in values]


def _settings(parameters: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={_shown(value)}" for key, value in parameters.items())


def _titles(keys: list[str]) -> list[str]:
    """Return the last parts of keys as titles of columns, or the whole keys where those are the same."""
    last = [_last(key) for key in keys]
    return last if len(set(last)) == len(last) else keys


def _last(key: str) -> str:
    return key.rsplit(".", 1)[-1]


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value)
    return measured(value) if isinstance(value, float) else str(value)


def show_band(band: Mapping[str, Any] | None) -> None:
    """Print whether a run's metrics lie within the band of its recipe's repetitions."""
    for name, entry in (band or {}).items():
        state = "inside" if entry["inside"] else "OUTSIDE"
        line(
            f"{name} is {state} the recipe's band {measured(entry['low'])} to {measured(entry['high'])} (dlkit repeat)"
        )


def show_inspection(found: "Inspection") -> None:
    """Print what an artefact contains, whether it is safe, and the reasons if it is not."""
    lines = [f"{found.path}  {found.kind}"]
    for title, content in found.contents.items():
        if isinstance(content, dict) and content:
            lines += [title, *(f"  {key}  {_inspected(value)}" for key, value in content.items())]
        else:
            lines.append(f"{title}  {_inspected(content)}")
    lines += ["safe" if found.safe else "NOT SAFE", *(f"  {reason}" for reason in found.reasons)]
    for text in lines:
        line(text)


def _inspected(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def show_data(content: Mapping[str, Any]) -> None:
    """Print what a recipe's data contains: classes by split, duplicates, unreadable files, and warnings last."""
    splits = content["splits"]
    line(f"{content['recipe']}: " + ", ".join(f"{name} {split['examples']:,}" for name, split in splits.items()))
    if "unlabelled" in splits:
        labelled, rest = (splits[name]["examples"] for name in ("train", "unlabelled"))
        line(f"labelled: {labelled:,} of {labelled + rest:,} examples of train")
    counted = {name: split["classes"] for name, split in splits.items() if "classes" in split}
    if counted:
        rows = [(label, *(own[label] for own in counted.values())) for label in next(iter(counted.values()))]
        table(("class", *counted), rows, right=range(1, len(counted) + 1))
    for name, split in splits.items():
        if "steps" in split:
            line("steps of {}: {shortest} to {longest}, median {median:g}".format(name, **split["steps"]))
    for name, words in content.get("words", {}).items():
        _show_words(name, words)
    _show_recordings(content.get("recordings", {}))
    rows = []
    for title, key in (("exact", "exact_duplicates"), ("near", "near_duplicates")):
        found = content[key] or {}
        rows += [(title, f"within {name}", count) for name, count in found.get("within", {}).items()]
        rows += [(title, pair, count) for pair, count in found.get("across", {}).items()]
    table(("duplicates", "where", "examples"), rows, right=(2,))
    if content["near_duplicates"] and not content["near_duplicates"]["selective"]:
        line("near duplicates mean little here: the images are too simple for the hash to tell them apart")
    elif content["near_duplicates"] and content["near_duplicates"]["first"]:
        line(f"like another image: {', '.join(content['near_duplicates']['first'])}")
    for group in content["exact_duplicates"]["first"]:
        line(f"identical: {', '.join(group)}")
    for group in content["conflicting_labels"]["first"]:
        line(f"identical, but with different targets: {', '.join(group)}")
    if content["not_finite"]["examples"]:
        line(f"contains NaN or infinity: {', '.join(content['not_finite']['first'])}")
    for entry in content["unreadable"]:
        line(f"unreadable: {entry['reason']}")
    for warning in content["warnings"]:
        line(f"warning: {warning}")


def _show_words(name: str, words: Mapping[str, Any]) -> None:
    """Print the size of a vocabulary and what it covers of every split."""
    line(f"vocabulary of {name}: {words['vocabulary']:,} of {words['distinct_in_train']:,} words in train")
    rows = []
    for split, part in words["splits"].items():
        spread = part["words_per_text"]
        shares = (percent(part["coverage"]), percent(part["out_of_vocabulary"]))
        rows.append((split, part["words"], *shares, spread["shortest"], f"{spread['median']:g}", spread["longest"]))
    titles = ("words of", "count", "known", "unknown", "shortest text", "median", "longest")
    table(titles, rows, right=range(1, len(titles)))


def _show_recordings(content: Mapping[str, Any]) -> None:
    """Print durations, levels and speakers of the recordings in every split."""
    rows = []
    for name, part in content.items():
        seconds, level = part["seconds"], part["level"]
        times = (f"{seconds[key]:g}" for key in ("shortest", "median", "longest", "total"))
        levels = f"{level['softest']:g} to {level['loudest']:g}"
        counts = (part["clipped"], part["mostly_silent"], len(part["speakers"]))
        rows.append((name, *times, levels, *counts))
    if rows:
        titles = (
            "recordings of",
            "shortest s",
            "median",
            "longest",
            "total",
            "level dB",
            "clipped",
            "silent",
            "speakers",
        )
        table(titles, rows, right=range(1, len(titles)))


def show_finding(finding: "Finding") -> None:
    """Print one finding of the doctor, with its hint below."""
    line(f"{finding.level:<8} {finding.subject:<10} {finding.text}")
    if finding.hint:
        line(f"{'':<20}{finding.hint}")


def show_range_test(result: "RangeTest", figure: Path | None) -> None:
    """Print what a learning-rate range test suggests, with a few points of its curve."""
    count = len(result.smoothed)
    points = sorted({round(index * (count - 1) / 9) for index in range(10)})
    rows = [(f"{result.learning_rates[i]:.2g}", f"{result.smoothed[i]:.4g}") for i in points]
    table(("learning rate", "smoothed loss"), rows, right=(0, 1))
    line(f"learning_rate  {result.learning_rate:.2g}, a tenth of the rate with the lowest loss")
    line(f"peak           {result.peak:.2g} for a schedule that rises and falls, where the loss falls fastest")
    if figure is not None:
        line(f"curve          {figure}")
    if result.still_falling:
        note("the loss is lowest at the last rate: better rates may lie above it; try a higher --to")
