"""What is printed: results on stdout in plain columns, notes on stderr, a bar with speed where there is a terminal."""

import io
import json
import re
import sys

import pytest

from dlkit import console
from dlkit.components.tasks.classification import Classification
from dlkit.components.tasks.regression import Regression
from dlkit.console._primitives import duration
from dlkit.console._progress import TrainingProgress
from dlkit.doctor.checks import Finding
from dlkit.recipe import load_recipe
from dlkit.runs.directory import RunDirectory


@pytest.fixture
def shown(capsys):
    """The lines that a function prints on stdout."""

    def run(function, *arguments, **settings):
        function(*arguments, **settings)
        return [line.split() for line in capsys.readouterr().out.splitlines()]

    return run


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """A function that puts a terminal in place of stdout and stderr."""

    def install():
        stream = Terminal()
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    return install


def test_a_reproduction_shows_verdict_divergence_and_figures(shown):
    result = {
        "run": "runs/a",
        "verdict": "different",
        "first_divergence": {"where": "epoch 2", "detail": "loss was 0.5, is 0.25"},
        "environment": ["keras was 3.14, is 3.15"],
        "metrics": {"loss": {"run": 0.5, "now": 0.25}},
    }
    lines = shown(console.show_reproduction, result)
    assert lines[0] == ["different", "runs/a"]
    assert " ".join(lines[1]) == "first divergence: epoch 2: loss was 0.5, is 0.25"
    assert " ".join(lines[2]) == "version: keras was 3.14, is 3.15"
    assert lines[-1] == ["loss", "0.5", "0.25"]
    same = result | {"verdict": "bit-identical", "first_divergence": None, "environment": [], "metrics": {}}
    assert shown(console.show_reproduction, same) == [["bit-identical", "runs/a"]]


def test_a_repetition_shows_spread_and_failures(shown, capsys):
    spread = {"mean": 0.5, "standard_deviation": None, "min": 0.25, "max": 0.75}
    result = {
        "recipe": "a",
        "split": "test",
        "seeds": [{"seed": 0, "evaluation": {"accuracy": 0.5}}, {"seed": 1, "failed": "train was killed by signal 9"}],
        "statistics": {"train": {"loss": spread}, "evaluation": {"accuracy": spread | {"standard_deviation": 0.1}}},
        "file": "runs/a/repeat.json",
    }
    lines = shown(console.show_repetition, result)
    assert " ".join(lines[0]) == "a, 1 of 2 seeds"
    assert ["last", "epoch", "loss", "0.50000", "0.25000", "0.75000"] in lines
    assert ["test", "accuracy", "0.50000", "0.10000", "0.25000", "0.75000"] in lines
    assert " ".join(lines[-2]) == "seed 1 failed: train was killed by signal 9"
    assert lines[-1] == ["written", "runs/a/repeat.json"]
    for entry in result["seeds"]:
        console.note_repetition(entry)
    assert capsys.readouterr().err.splitlines() == ["seed 0  accuracy 0.5000", "seed 1  train was killed by signal 9"]


def test_a_band_says_inside_or_outside(shown):
    band = {
        "accuracy": {"low": 0.9, "high": 0.95, "inside": False},
        "loss": {"low": 0.1, "high": 0.2, "inside": True},
    }
    assert [line[:3] for line in shown(console.show_band, band)] == [
        ["accuracy", "is", "OUTSIDE"],
        ["loss", "is", "inside"],
    ]
    assert shown(console.show_band, None) == []


def test_data_shows_classes_duplicates_conflicts_and_warnings_last(shown):
    content = {
        "recipe": "a",
        "splits": {
            "train": {"examples": 1200, "classes": {"cat": 700, "dog": 500}},
            "test": {"examples": 10, "classes": {"cat": 4, "dog": 6}},
        },
        "exact_duplicates": {"within": {"train": 3}, "across": {"test in train": 1}, "first": []},
        "near_duplicates": {"within": {"train": 2}, "across": {}, "selective": False},
        "conflicting_labels": {"first": [["train[2]", "train[22]"]]},
        "not_finite": {"examples": 2, "first": ["train[1]", "test[0]"]},
        "unreadable": [{"reason": "x.jpg is not a readable image"}],
        "warnings": ["something"],
    }
    lines = shown(console.show_data, content)
    assert " ".join(lines[0]) == "a: train 1,200, test 10"
    for row in (["cat", "700", "4"], ["exact", "within", "train", "3"], ["exact", "test", "in", "train", "1"]):
        assert row in lines
    assert ["near", "within", "train", "2"] in lines
    assert lines[-5][:4] == ["near", "duplicates", "mean", "little"]
    texts = [" ".join(line) for line in lines[-4:]]
    assert texts == [
        "identical, but with different targets: train[2], train[22]",
        "contains NaN or infinity: train[1], test[0]",
        "unreadable: x.jpg is not a readable image",
        "warning: something",
    ]


def test_a_finding_has_its_hint_below(shown):
    assert shown(console.show_finding, Finding("cache", "warning", "1 GB free", "free some")) == [
        ["warning", "cache", "1", "GB", "free"],
        ["free", "some"],
    ]
    assert shown(console.show_finding, Finding("cache", "ok", "fine")) == [["ok", "cache", "fine"]]


def test_predictions_are_labels_or_values(shown):
    label = {"label": "cat", "probability": 0.5, "probabilities": {}}
    cells = {"input": "a.png"} | Classification().prediction_columns(label)
    assert shown(console.show_predictions, [cells])[-1] == ["a.png", "cat", "0.5000"]
    values = {"input": "a[0]"} | Regression().prediction_columns({"values": [1.5]})
    assert shown(console.show_predictions, [values])[-1] == ["a[0]", "[1.5]"]


def test_counts_show_the_first_difference(shown):
    contracts = {"a": {"passed": True}, "b": {"passed": False, "differences": ["total parameters differ", "and more"]}}
    counts = {"total": 1234, "trainable": 1000, "non_trainable": 234}
    results = [{"recipe": name, "parameters": counts, "contract": contract} for name, contract in contracts.items()]
    lines = shown(console.show_counts, results)
    assert lines[-2] == ["a", "1,234", "1,000", "234", "passed"]
    assert " ".join(lines[-1]) == "b 1,234 1,000 234 total parameters differ"


def test_the_demo_says_where_everything_is(shown, tmp_path):
    lines = shown(console.show_demo, RunDirectory(tmp_path / "digits_mlp" / "run"))
    assert lines[0] == ["run", str(tmp_path / "digits_mlp" / "run")]
    assert lines[2] == ["SavedModel", str(tmp_path / "digits_mlp" / "run" / "exports" / "saved_model" / "digits_mlp")]
    assert lines[6][:4] == ["dlkit", "summary", "digits_mlp", "--explain"]


def test_a_terminal_gets_a_bar_with_speed_and_a_line_per_epoch(terminal):
    loaded, stream = load_recipe("digits_mlp", ["training.epochs=2"]), terminal()
    with TrainingProgress(loaded.recipe) as progress:
        progress.begin(0, 0, 10)
        progress.progress(0, 5, 10, {"loss": 0.5})
        task = progress._bar.tasks[0]
        assert (task.description, task.completed, task.total) == ("epoch 0", 5, 20)
        assert task.fields["logs"].endswith("/s  loss 0.5000")
        progress.epoch_done(0, {"epoch": 0, "loss": 0.25, "learning_rate": 0.1, "seconds": 1.5})
        progress.begin(1, 3, 10)
        assert (progress._bar.tasks[0].completed, progress._bar.tasks[0].description) == (13, "epoch 1")
    assert "epoch 0/2  loss 0.2500  1.5 s" in stream.getvalue()
    assert "total" in stream.getvalue()  # what the bar and its percentage measure


def columns_of_80(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


METRICS = {"loss": 0.5, "accuracy": 0.25, "val_loss": 1e-5, "val_accuracy": 0.125, "val_top_k_categorical": 0.75}


def test_at_80_columns_a_line_breaks_between_metrics_only(terminal, monkeypatch):
    columns_of_80(monkeypatch)
    loaded, stream = load_recipe("digits_mlp", ["training.epochs=1000"]), terminal()
    with TrainingProgress(loaded.recipe) as progress:
        progress.begin(687, 0, 10)
        progress.progress(687, 5, 10, METRICS)
        assert len(progress._bar.tasks[0].fields["logs"]) < 40
        progress._bar.stop()
        stream.truncate(0)
        progress.epoch_done(687, METRICS | {"epoch": 687, "learning_rate_block5": 1e-5, "seconds": 1.5})
    lines = [
        line.rstrip() for line in stream.getvalue().replace("\0", "").splitlines() if "loss" in line or "top" in line
    ]
    assert lines[:2] == [
        "epoch 687/1000  loss 0.5000  accuracy 0.2500  val_loss 1e-5  val_accuracy 0.1250",
        "    val_top_k_categorical 0.7500  1.5 s",
    ]


def test_without_a_terminal_an_epoch_is_one_line(capsys):
    loaded = load_recipe("digits_mlp", ["training.epochs=2"])
    with TrainingProgress(loaded.recipe) as progress:
        progress.epoch_done(1, METRICS | {"a:cat:[red]\x1b": 0.5, "epoch": 1, "seconds": 1.5})
    (text,) = capsys.readouterr().err.splitlines()
    assert text.startswith("epoch 1/2  loss 0.5000")
    assert text.endswith("val_top_k_categorical 0.7500  a:cat:[red]\\x1b 0.5000  1.5 s")


def test_names_in_the_bar_are_no_markup(terminal):
    loaded, stream = load_recipe("digits_mlp", ["training.epochs=2"]), terminal()
    with TrainingProgress(loaded.recipe) as progress:
        progress.begin(0, 0, 10)
        progress.progress(0, 5, 10, {"[red]:cat:": 0.5})
    assert "[red]:cat: 0.5000" in stream.getvalue()


WIDE = ("layer", "name", "output", "parameters", "output size", "parameters, by hand", "note", "empty")
ROWS = [
    ("Conv2D", "conv", "112x112x64", "1,792", "(224 - 3 + 2*1)/2 + 1 = 112", "3*3*3*64 + 64 = 1,792", "", ""),
    ("PatchWhitening", "whiten", "112x112x64", "138,357,544", "", "", "a note " * 12, ""),
]


def test_at_80_columns_nothing_of_a_table_is_cut(terminal, monkeypatch):
    columns_of_80(monkeypatch)
    stream = terminal()
    console.table(WIDE, ROWS, right=(3,))
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["layer", "name", "output", "parameters", "output", "size"]
    assert lines[2].split() == [
        "Conv2D",
        "conv",
        "112x112x64",
        "1,792",
        "(224",
        "-",
        "3",
        "+",
        "2*1)/2",
        "+",
        "1",
        "=",
        "112",
    ]
    assert lines[3] == "    parameters, by hand  3*3*3*64 + 64 = 1,792"
    assert lines[4].split() == ["PatchWhitening", "whiten", "112x112x64", "138,357,544"]
    assert " ".join(" ".join(lines[5:]).split()) == ("note " + "a note " * 12).strip()
    assert "empty" not in stream.getvalue()


def test_at_80_columns_the_last_column_wraps_if_it_is_text(terminal, monkeypatch):
    columns_of_80(monkeypatch)
    stream = terminal()
    console.table(("name", "what it is"), [("a_long_name_of_a_recipe_that_stays_whole", "word " * 20), ("b", "short")])
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[2].startswith("a_long_name_of_a_recipe_that_stays_whole  word word")
    assert " ".join(lines[2:5]).count("word") == 20
    assert lines[-1].split() == ["b", "short"]


def test_a_cell_stays_on_its_line(shown):
    assert shown(console.table, ("class", "count"), [("two\nlines", 1)])[-1] == ["two\\nlines", "1"]


def test_json_of_undecodable_file_names_reads_back(capsys):
    console.print_json({"input": "caf\udce9 \u732b"})
    assert json.loads(capsys.readouterr().out) == {"input": "caf\udce9 \u732b"}


def test_a_forecast_counts_validation_and_forgets_a_pause(terminal, monkeypatch):
    loaded, stream = load_recipe("digits_mlp", ["training.epochs=40"]), terminal()
    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr("dlkit.console._progress.time.perf_counter", lambda: float(next(clock)))
    with TrainingProgress(loaded.recipe) as progress:
        for steps_done in (1, 2, 3):
            progress.progress(0, steps_done, 10, {"loss": 0.5})  # a step in three seconds
        for epoch, seconds in enumerate([32.0, 45.0, 48.0, 900.0, 45.0, 40.0]):
            progress.epoch_done(epoch, {"epoch": epoch, "loss": 0.25, "seconds": seconds})
        progress.epoch_done(38, {"epoch": 38, "loss": 0.25, "seconds": 80.0})  # the last but one: no minute more
    assert "forecast: 30 s per epoch, at most 20 min in total;" in stream.getvalue()
    assert re.findall("new forecast: (.*)", stream.getvalue()) == [
        "45 s per epoch, 28 min left",
        "15 min per epoch, 9 h left",
        "45 s per epoch, 26 min left",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.123, "0.12 s"), (99.4, "99 s"), (99.6, "1.7 min"), (5969, "99 min"), (5990, "1.7 h"), (360_000, "100 h")],
)
def test_a_duration_has_the_unit_that_suits_it(seconds, text):
    assert duration(seconds) == text


def test_a_forecast_of_short_epochs_counts_the_steps_of_all_of_them(terminal, monkeypatch):
    loaded, stream = load_recipe("digits_mlp", ["training.epochs=400"]), terminal()
    clock = iter(range(1000))
    monkeypatch.setattr("dlkit.console._progress.time.perf_counter", lambda: next(clock) / 8)
    with TrainingProgress(loaded.recipe) as progress:
        progress._bar.stop()
        progress._bar = None  # of which each line asks the time
        for epoch in range(20):
            progress.progress(epoch, 10, 10, {"loss": 0.5})  # all ten steps in an eighth of a second
    assert "forecast: 0.12 s per epoch, at most 50 s in total;" in stream.getvalue()


def test_a_training_that_is_well_under_way_gets_no_forecast(capsys, monkeypatch):
    loaded = load_recipe("digits_mlp", ["training.epochs=40"])
    clock = iter(range(1000))
    monkeypatch.setattr("dlkit.console._progress.time.perf_counter", lambda: next(clock) / 14)
    with TrainingProgress(loaded.recipe) as progress:
        for epoch in range(40):
            progress.progress(epoch, 10, 10, {"loss": 0.5})  # two seconds have passed at epoch 28
    assert capsys.readouterr().out == ""


def test_waiting_and_tables_on_a_terminal(terminal):
    stream = terminal()
    with console.waiting("thinking"):
        pass
    console.table(("name", "size"), [("a", 1)], right=(1,))
    lines = [line.split() for line in stream.getvalue().splitlines()]
    assert "thinking" in lines[0]
    assert ["a", "1"] in lines


@pytest.mark.parametrize("letters", ["\x1b[2J", "\x9b31m", "\x07", "\r", "\x00", "\u202e", "\ud800"])
def test_names_of_others_cannot_steer_the_terminal(shown, capsys, letters):
    console.line(f"class {letters}x")
    console.note(f"class {letters}x")
    console.table((f"a{letters}",), [(f"b{letters}",)])
    out, error = capsys.readouterr()
    for letter in set(letters) - set("[2J31m"):
        assert letter not in out + error
    assert ascii(letters)[1:-1] in out
    assert ascii(letters)[1:-1] in error


def test_colons_in_names_stay_what_they_are(capsys):
    console.line("photos/:cat:.png [bold]x[/bold]")
    assert capsys.readouterr().out == "photos/:cat:.png [bold]x[/bold]\n"
