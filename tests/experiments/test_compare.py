"""What compare says of runs, on answers that are known."""

import json
import shutil

import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.experiments.compare import compare
from dlkit.runs.answers import read_answers, write_answers
from dlkit.runs.directory import RunDirectory


@pytest.fixture
def pair(trained_run, tmp_path):
    """Two copies of a run that has answered validation alone; other tests may have evaluated it on more."""
    more = shutil.ignore_patterns("answers_test.npz", "answers_train.npz")
    return [
        RunDirectory(shutil.copytree(trained_run.path, tmp_path / "digits_mlp" / name, ignore=more))
        for name in ("first", "second")
    ]


def answered(run, correct):
    answers, worst = read_answers(run, "validation")
    write_answers(run, "validation", answers | {"correct": correct}, worst)


def test_runs_with_nearly_the_same_answers_are_not_distinguishable(pair):
    right = read_answers(pair[0], "validation")[0]["correct"]
    answered(pair[1], np.roll(right, 1))
    found = compare(pair)
    assert (found["split"], found["recipe"], found["layers"]) == ("validation", [], [])
    assert found["tests"][0]["verdict"] == "not distinguishable"
    assert found["tests"][0]["difference"] == 0
    assert found["runs"][0]["parameters"] == 4810


def test_a_better_run_is_named_whichever_comes_first(pair):
    right = read_answers(pair[0], "validation")[0]["correct"]
    answered(pair[1], np.ones_like(right))
    answered(pair[0], np.arange(len(right)) % 4 > 0)
    for runs in (pair, pair[::-1]):
        (test,) = compare(runs)["tests"]
        assert test["verdict"] == "digits_mlp/second is better"
        assert test["p"] < 1e-6


def test_other_examples_are_not_compared(pair):
    content = pair[1].read_json("data.json")
    content["fingerprints"]["validation"]["inputs"] = "0"
    pair[1].write_json("data.json", content)
    found = compare(pair)
    assert found["tests"][0] == {
        "first": "digits_mlp/first",
        "second": "digits_mlp/second",
        "test": None,
        "reason": "the runs have answered different examples of validation",
        "verdict": "not tested",
    }
    assert [part["split"] for part in found["data"] if not part["same"]] == ["validation"]


def test_what_differs_in_recipe_and_layers_is_listed(pair):
    path = pair[1].resolved_recipe
    text = path.read_text().replace("units: 64", "units: 32").replace("seed: 0", "seed: 1")
    assert "4160" in text
    path.write_text(text.replace("4160", "2080"))
    found = compare(pair)
    assert not any(row["key"].startswith("expect") for row in found["recipe"])  # the layers are compared themselves
    assert {"key": "model.sequential.layers.0.Dense.units", "values": [64, 32]} in found["recipe"]
    assert found["layers"][0] == {"row": 1, "layers": [["Dense", [64], 4160], ["Dense", [32], 2080]]}


def test_a_network_that_is_counted_in_part_has_no_sum_of_multiply_adds(pair, monkeypatch):
    from dlkit.model.summary import summarise

    def counted_in_part(*arguments, **options):
        table = summarise(*arguments, **options)
        return table | {"cost": table["cost"] | {"uncounted": ["phrases_3"]}}

    assert compare(pair)["runs"][0]["multiply_adds"] == 4736
    monkeypatch.setattr("dlkit.experiments.compare.summarise", counted_in_part)
    assert compare(pair)["runs"][0]["multiply_adds"] is None


def test_a_run_without_answers_says_how_to_get_them(pair, dlkit):
    done = dlkit("compare", *(run.path for run in pair), "--split", "train", "--json")
    (test,) = json.loads(done.out)["tests"]
    assert test["reason"].endswith(f"dlkit evaluate {pair[0].path} --split train")


def test_the_same_run_twice_is_an_error(pair):
    with pytest.raises(InputError, match="given twice"):
        compare([pair[0], pair[0]])


def test_damaged_answers_are_named(pair):
    (pair[1].path / "answers_validation.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match="is damaged"):
        compare(pair)


def test_the_verb_prints_the_verdict_and_writes_a_page(pair, dlkit, tmp_path):
    done = dlkit("compare", *(run.path for run in pair), "--output", tmp_path / "both.html")
    assert "verdict  digits_mlp/first and digits_mlp/second: not distinguishable" in done.out
    page = (tmp_path / "both.html").read_text()
    assert page.count("<svg") >= 2
    assert "not distinguishable" in page
    assert dlkit("compare", pair[0].path).code == 2
