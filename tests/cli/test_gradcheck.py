"""dlkit gradcheck: every gradient of a recipe with its error, as a table, as JSON and as a picture."""

import json


def test_every_parameter_is_listed_and_right(dlkit, tmp_path):
    picture = tmp_path / "errors.png"
    words = ("digits_mlp", "--set", "data.limit=100", "--examples", 2, "--entries", 1, "--figure", picture)
    done = dlkit("gradcheck", *words, "--json")
    assert done.code == 0
    answer = json.loads(done.out)
    assert (answer["passed"], answer["wrong"]) == (True, [])
    assert max(gradient["error"] for gradient in answer["gradients"]) <= answer["tolerance"] == 1e-6
    whole = [gradient["of"] for gradient in answer["gradients"] if gradient["part"] == "network"]
    assert whole == ["dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias"]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_wrong_gradient_is_said(capsys):
    from dlkit import console

    gradient = {"part": "act", "kind": "Activation", "of": "input", "error": 0.5}
    gradient |= {"method": "central differences", "right": False}
    result = {"recipe": "net", "figure": None, "tolerance": 1e-6, "passed": False, "wrong": ["act"]}
    console.show_gradcheck(result | {"gradients": [gradient]})
    assert "1 gradients, tolerance 1e-06: wrong: act" in capsys.readouterr().out


def test_another_ending_is_an_error(dlkit):
    assert dlkit("gradcheck", "digits_mlp", "--figure", "errors.foo").code == 2
