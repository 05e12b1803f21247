"""docs/classroom.md: its commands are run, and the numbers that it promises are in what they print."""

import re
import shlex
from pathlib import Path

import pytest

from dlkit.plots.find import names

PAGE = (Path(__file__).parents[2] / "docs/classroom.md").read_text(encoding="utf-8")
ROWS = [
    (command, re.findall(r"`([^`]+)`", seen))
    for command, seen in re.findall(r"^\| [^|]+ \| [^|]+ \| `(dlkit [^`]+)` \| ([^|]+) \|", PAGE, re.MULTILINE)
]
# Of other verbs, the recipes and options are checked by tests/test_docs.py, and their counts by tests/test_recipes.py.
QUICK = ("worked", "arithmetic", "inspect")
# tests/plots has what they compute; masks need a segmentation, gradients through time a recurrent layer.
SLOW = ("embeddings", "gradient-through-time", "masks", "network", "neuron-animation")


WITHOUT_COMMAND = re.findall(r"^- ([\d, ]+): ", PAGE, re.MULTILINE)


def of_verb(*verbs):
    return [(command, seen) for command, seen in ROWS if command.split()[1] in verbs]


def test_every_row_of_the_page_is_read():
    assert len(ROWS) == len(re.findall(r"^\| .*\| `dlkit", PAGE, re.MULTILINE)) > 50


def test_the_page_has_all_that_the_decks_contain():
    numbers = [*re.findall(r"^\| ([\d, ]+) \|", PAGE, re.MULTILINE), *WITHOUT_COMMAND]
    assert {int(number) for text in numbers for number in text.split(",")} == set(range(1, 75))


@pytest.mark.parametrize(("command", "seen"), of_verb(*QUICK), ids=[command for command, _ in of_verb(*QUICK)])
def test_the_class_sees_what_the_page_says(dlkit, trained_run, command, seen):
    words = [str(trained_run.path) if word == "RUN" else word for word in shlex.split(command)[1:]]
    done = dlkit(*words)
    assert done.code == 0, done.error
    for text in seen:
        assert re.sub(r"\s+", " ", text) in re.sub(r"\s+", " ", done.out), f"{text!r} of {command}"


def test_the_pictures_of_the_page_are_drawn(dlkit, monkeypatch, tiny_run):
    """Without their files, which take long to write and which tests/cli/test_plot_verb.py looks at."""
    made = {}
    monkeypatch.setattr("dlkit.cli.plot._write", lambda figures, *_: made.update(figures) or [])
    for command, _ in of_verb("plot"):
        words = shlex.split(command)[1:]
        if words[1] in SLOW:
            continue
        made.clear()
        done = dlkit(*(str(tiny_run.path) if word == "RUN" else word for word in words))
        assert done.code == 0, f"{command}: {done.error}"
        assert made
        assert all(figure.get_suptitle() for figure in made.values()), command
    shown = {shlex.split(command)[2] for command, _ in of_verb("plot")}
    assert shown == set(names())
