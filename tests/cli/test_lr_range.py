"""dlkit lr-range: a curve and two proposals, as a table, as JSON and as a picture; mistakes with exit code 2."""

import json

import pytest

WORDS = ("lr-range", "digits_mlp", "--from", "1e-4", "--to", "1", "--steps", "40", "--set", "data.limit=400")


def test_the_curve_and_its_proposals(dlkit, tmp_path):
    picture = tmp_path / "curve.png"
    done = dlkit(*WORDS, "--figure", picture, "--json")
    assert done.code == 0
    answer = json.loads(done.out)
    rates, smoothed = answer["learning_rates"], answer["smoothed"]
    lowest = rates[smoothed.index(min(smoothed))]
    assert answer["proposal"]["learning_rate"] == pytest.approx(lowest / 10)
    assert rates[0] < answer["proposal"]["peak"] <= lowest
    assert len(answer["losses"]) == len(rates) <= 40
    assert picture.read_bytes().startswith(b"\x89PNG")
    lines = dlkit(*WORDS).out.splitlines()
    assert f"learning_rate  {lowest / 10:.2g}, a tenth of the rate with the lowest loss" in lines
    assert not (tmp_path / "saved_models").exists()


def test_a_recipe_with_a_teacher_finds_it_where_runs_are_kept(dlkit, tmp_path):
    taught = (*WORDS, "--set", "training.teacher={run: digits_mlp}")
    missing = dlkit(*taught, "--runs-dir", tmp_path / "none")
    assert missing.code == 3
    assert "train it first: dlkit train digits_mlp; or give a run directory or --runs-dir" in missing.error
    assert dlkit("train", "digits_mlp", "--set", "training.epochs=1", "--runs-dir", tmp_path / "mine").code == 0
    done = dlkit(*taught, "--runs-dir", tmp_path / "mine", "--json")
    assert done.code == 0
    assert json.loads(done.out)["losses"] != json.loads(dlkit(*WORDS, "--json").out)["losses"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("digits_mlp", "--from", "1", "--to", "0.1"), "--from 1 and --to 0.1 are not a range"),
        (("digits_mlp", "--from", "0"), "give two finite rates above 0, the lower one with --from"),
        (("digits_mlp", "--to", "inf"), "--from 1e-06 and --to inf are not a range"),
        (("digits_mlp", "--figure", "curve.foo"), "--figure curve.foo is not a .png file"),
        (("digits_mpl",), "did you mean 'digits_mlp'"),
        (("digits_mlp", "--set", "training.epohcs=3"), "did you mean 'epochs'"),
    ],
)
def test_mistakes(dlkit, words, message):
    done = dlkit("lr-range", *words)
    assert done.code == 2
    assert message in done.error
    assert "Traceback" not in done.error
