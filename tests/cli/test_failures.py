"""With --json, every verb prints its errors as one JSON object of one shape, and the text still goes to stderr."""

import json
import subprocess
import sys

import pytest
import typer

from dlkit.cli import app

CHANGED = "a key of the recipe is changed by --set:"
SHAPE = ["code", "message", "hint", "place", "problems"]
PLACE = ["file", "line", "column", "key"]
WRONG = {
    "train": ["nothing"],
    "evaluate": ["nothing"],
    "reproduce": ["nothing"],
    "repeat": ["nothing"],
    "lr-range": ["digits_mlp", "--from", "2", "--to", "1"],
    "crossval": ["nothing"],
    "gradcheck": ["nothing"],
    "attack": ["nothing"],
    "lesion": ["nothing"],
    "gradients": ["nothing"],
    "pca": ["nothing"],
    "data": ["nothing"],
    "diagnose": ["nothing"],
    "report": ["nothing"],
    "compare": ["nothing", "nothing"],
    "doctor": ["--nothing"],
    "predict": ["nothing.png"],
    "encode": ["nothing"],
    "summary": ["nothing"],
    "export": ["nothing"],
    "inspect": ["nothing.keras"],
    "serve": ["nothing"],
    "list": ["nothing"],
    "arithmetic conv": ["--input", "5", "--kernel", "0", "--channels", "1", "--filters", "1"],
    "validate": ["--nothing"],
    "search": ["nothing"],
    "worked": ["nothing"],
    "plot": ["nothing"],
    "shrink": ["nothing"],
    "sweep": ["nothing"],
    "runs list": ["--nothing"],
    "runs show": ["nothing"],
}


def verbs_with_json():
    """The words of all commands that take --json."""
    for name, command in typer.main.get_command(app).commands.items():
        inner = getattr(command, "commands", {"": command})
        for word, item in inner.items():
            if any("--json" in option.opts for option in item.params):
                yield f"{name} {word}".strip()


def test_every_verb_with_json_is_tried():
    known = {verb for verb in verbs_with_json() if not verb.startswith("arithmetic ") or verb in WRONG}
    assert known == set(WRONG)


@pytest.mark.parametrize("verb", WRONG)
def test_an_error_is_one_json_object(verb, dlkit, tmp_path):
    done = dlkit(*verb.split(), *WRONG[verb], "--json")
    error = json.loads(done.out)
    assert list(error) == SHAPE
    assert list(error["place"]) == PLACE
    assert error["code"] == done.code != 0
    assert error["message"]
    assert error["hint"]
    assert error["message"] in done.error
    assert [error["message"], error["hint"]] == [error["problems"][0]["message"], error["problems"][0]["hint"]]


def test_the_place_is_that_of_the_recipe_and_all_problems_are_listed(dlkit, tmp_path):
    (tmp_path / "net.yaml").write_text("recipe: 1\nnam: net\n")
    done = dlkit("train", "net.yaml", "--json")
    error = json.loads(done.out)
    assert (done.code, error["code"]) == (2, 2)
    assert error["place"] == {"file": "net.yaml", "line": 1, "column": 1, "key": ""}
    assert {"file": "net.yaml", "line": 2, "column": 1, "key": "nam"}.items() <= error["problems"][-1].items()
    assert len(error["problems"]) == done.error.count("error: ")


@pytest.mark.parametrize("arguments", [["train"], ["trian"], ["train", "a", "--nothing", "3"], ["list", "a", "b"]])
def test_a_usage_error_says_where_help_is(dlkit, arguments):
    done = dlkit(*arguments, "--json")
    error = json.loads(done.out)
    assert (done.code, error["code"]) == (2, 2)
    assert error["hint"].startswith("see `")
    assert error["hint"].endswith(" --help`")
    assert error["place"] == dict.fromkeys(PLACE[:3]) | {"key": ""}


def test_without_json_and_after_two_dashes_stdout_stays_empty(dlkit):
    assert dlkit("train", "nothing").out == ""
    assert dlkit("train", "--", "--json").out == ""


def test_missing_things_have_their_code(dlkit):
    done = dlkit("predict", "nothing.png", "--json")
    assert (done.code, json.loads(done.out)["code"]) == (3, 3)


def test_an_interruption_has_its_code(dlkit, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("dlkit.recipe.load_recipe", stop)
    done = dlkit("data", "digits_mlp", "--json")
    assert (done.code, json.loads(done.out)["code"]) == (130, 130)
    assert done.error == "error: interrupted\n"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["new", "net", "-from", "digits_mlp"], "did you mean --from?"),
        (["validate", "digits_mlp", "-build"], "did you mean --build?"),
        (
            ["train", "digits_mlp", "--epochs", "5"],
            f"{CHANGED} --set training.epochs=VALUE",
        ),
        (
            ["train", "digits_mlp", "--batch-size=5"],
            f"{CHANGED} --set training.batch_size=VALUE",
        ),
    ],
)
def test_an_option_that_does_not_exist_is_told_what_was_meant(dlkit, words, hint):
    done = dlkit(*words)
    assert (done.code, done.error.splitlines()[-1]) == (2, f"  {hint}")
    assert json.loads(dlkit(*words, "--json").out)["hint"] == hint


def test_an_interruption_that_becomes_another_error_is_still_one():
    """C++ code of TensorFlow turns a KeyboardInterrupt that is raised in it into SystemError or TypeError."""
    code = (
        "import os, signal\n"
        "from dlkit import cli\n"
        "def app(**_):\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        signal.pause()\n"
        "    except KeyboardInterrupt:\n"
        "        raise SystemError('a result with an exception set')\n"
        "cli.app = app\n"
        "cli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.strip()) == (130, "error: interrupted")
