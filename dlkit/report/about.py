"""What a run claims, what it was trained on, its environment, and the commands that reproduce it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dlkit.diagnosis.stored import known, stored
from dlkit.errors import DlkitError
from dlkit.export.stored import is_current, load_samples, read_certificate
from dlkit.formatting import measured
from dlkit.process import command
from dlkit.recipe import LoadedRecipe
from dlkit.recipe.contract import check_metrics, is_overridden
from dlkit.report.pictures import picture
from dlkit.runs.answers import read_answers
from dlkit.runs.directory import RunDirectory
from dlkit.runs.inspection import CERTIFICATE
from dlkit.runs.listing import describe
from dlkit.safety.files import require_file

SAMPLES, MOST_CERTIFICATES = 24, 20


def claim(run: RunDirectory, loaded: LoadedRecipe) -> dict[str, Any]:
    """Return the metrics of training and of every evaluated split, beside the contract's bounds and the lecture's."""
    expect = loaded.recipe.expect
    overridden = is_overridden(run.read_json("environment.json").get("overrides", []))
    content = run.read_json("metrics.json")
    evaluated = [
        {
            "split": split,
            "checkpoint": found["checkpoint"],
            "rows": _rows(found["metrics"], check_metrics(expect, found["metrics"], overridden), split == expect.split),
        }
        for split, found in content.get("evaluation", {}).items()
    ]
    trained = content.get("training", {}).get("metrics", {})
    shown = {name: measured(value) for name, value in trained.items() if not name.startswith("learning_rate")}
    wanted = [(name, bound.lecture) for name, bound in expect.metrics.items() if bound.lecture is not None]
    return {"evaluated": evaluated, "trained": shown, "lecture": wanted, "split": expect.split}


def _rows(metrics: Mapping[str, float], verdicts: list[Any], checked: bool) -> list[dict[str, str]]:
    by_name = {verdict.name: verdict for verdict in verdicts} if checked else {}
    return [_row(name, value, by_name.get(name)) for name, value in metrics.items()]


def _row(name: str, value: float, verdict: Any) -> dict[str, str]:
    row = {"name": name, "value": measured(value), "bound": "", "lecture": "", "state": ""}
    if verdict is None:
        return row
    bounds = [f"at least {verdict.at_least:g}"] if verdict.at_least is not None else []
    bounds += [f"at most {verdict.at_most:g}"] if verdict.at_most is not None else []
    row |= {"bound": " and ".join(bounds), "lecture": "" if verdict.lecture is None else f"{verdict.lecture:g}"}
    return row | {"state": {True: "passed", False: "failed", None: verdict.reason}[verdict.passed]}


def diagnosis(run: RunDirectory) -> dict[str, Any]:
    """Return the findings of the last diagnosis, what it found in the data, and pictures of suspect labels."""
    found, done = known(run), stored(run) is not None
    content = run.read_json("diagnosis.json")
    suspects = read_answers(run, "suspects") if any(one.kind == "suspect_labels" for one in found) else None
    return {
        "done": done,
        "findings": [finding.to_json() for finding in found],
        "suspects": mistakes(suspects[1]) if suspects else [],
        "duplicates": content.get("duplicates", []) if done else None,
        "command": command("diagnose", run.path),
    }


def mistakes(worst: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Return pictures or texts of examples with their class and what they were taken for."""
    shown = "text" if "text" in worst else "image"
    names = ("number", shown, "truth", "predicted", "probability")
    if not set(names) <= set(worst):
        return []
    return [
        {
            "number": int(number),
            "picture": picture(example) if shown == "image" else None,
            "text": str(example) if shown == "text" else None,
            "truth": str(truth),
            "predicted": str(predicted),
            "probability": measured(float(probability)),
        }
        for number, example, truth, predicted, probability in zip(*(worst[name] for name in names), strict=True)
    ]


def data(run: RunDirectory, loaded: LoadedRecipe) -> dict[str, Any]:
    """Return the source, the examples of every split, the classes, and pictures of held-out examples."""
    content, recipe = run.read_json("data.json"), loaded.recipe.data
    description = content.get("description", {})
    names, counts = list(description.get("class_names", ())), content.get("class_counts") or []
    pairs = list(zip(names, counts, strict=False))
    most = max([count for _, count in pairs if isinstance(count, int)], default=1) or 1
    fingerprints = content.get("fingerprints", {})
    return {
        "source": recipe.source.name,
        "settings": _settings(recipe.source.settings),
        "preprocess": [(item.name, _settings(item.settings)) for item in recipe.preprocess],
        "augment": [(item.name, _settings(item.settings)) for item in recipe.augment],
        "corrupt": [(item.name, _settings(item.settings)) for item in recipe.corrupt],
        "splits": [
            (name, int(found.get("examples", 0)), str(found.get("inputs", ""))[:12])
            for name, found in fingerprints.items()
        ],
        "shape": list(description.get("inputs", {}).get("shape", ())),
        "dtype": str(description.get("inputs", {}).get("dtype", "")),
        "classes": [(name, count, count / most) for name, count in pairs],
        "left_out": content.get("left_out", []),
        "pictures": _samples(run),
    }


def _settings(settings: Mapping[str, Any]) -> str:
    text = ", ".join(f"{key}: {value}" for key, value in settings.items())
    return text if len(text) <= 300 else f"{text[:297]}..."


def _samples(run: RunDirectory) -> list[str]:
    """Return pictures of the examples that the run keeps."""
    try:
        samples = load_samples(run)
    except DlkitError:
        return []
    return [shown for shown in map(picture, samples[:SAMPLES]) if shown is not None]


def certificates(run: RunDirectory) -> list[dict[str, Any]]:
    """Return what the certificates of the run's exports say; a damaged one is named."""
    found = []
    for path in sorted(run.path.glob(f"exports/*/*/*/{CERTIFICATE}"))[:MOST_CERTIFICATES]:
        place = str(path.parent.relative_to(run.path))
        try:
            require_file(path)
            content = read_certificate(path.parent)
            found.append({"place": place, "current": is_current(run, content)} | _certificate(content))
        except (DlkitError, KeyError, TypeError, ValueError, AttributeError) as error:
            found.append({"place": place, "damaged": str(error)})
    return found


def _certificate(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "passed": content["passed"] is True,
        "samples": int(content["samples"]),
        "difference": f"{float(content['largest_absolute_difference']):.3g}",
        "versions": ", ".join(f"{name} {text}" for name, text in content.get("versions", {}).items()),
    }


def environment(run: RunDirectory) -> list[tuple[str, str]]:
    """Return the machine, the versions and the state of the code, as far as the run recorded them."""
    content = run.read_json("environment.json")
    rows = list(content.get("versions", {}).items())
    threads = content.get("threads", {})
    known = ("platform", "processor", "cpus", "seed", "deterministic")
    rows += [(name, content[name]) for name in known if name in content]
    rows += [("threads", f"{threads.get('intra_op', 0)} (0: one per core)")] if threads else []
    rows += [("devices", ", ".join(map(str, content.get("devices", ()))))] if content.get("devices") else []
    git = content.get("git")
    if isinstance(git, dict):
        rows.append(("git commit", f"{git.get('commit')}{' with changes' if git.get('modified') else ''}"))
    rows += [("initial weights", str(content["initial_weights"])[:16])] if content.get("initial_weights") else []
    return [(name, str(value)) for name, value in rows]


def commands(run: RunDirectory, loaded: LoadedRecipe) -> dict[str, Any]:
    """Return the commands that train the run again, and its recipe."""
    content = describe(run)
    settings = [word for override in content["overrides"] for word in ("--set", override)]
    return {
        "reproduce": command("reproduce", run.path) if run.finished else run.resume_command,
        "again": command("train", "recipe.yaml", *settings),
        "evaluate": command("evaluate", run.path, "--split", loaded.recipe.expect.split) if run.finished else "",
        "recipe": loaded.text,
        "given": _given(run),
    }


def _given(run: RunDirectory) -> str:
    """Return the recipe as it was given, with its comments."""
    path = run.path / "recipe.yaml"
    try:
        require_file(path)
        return path.read_text(encoding="utf-8")
    except (DlkitError, OSError, ValueError):
        return ""
