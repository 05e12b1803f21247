"""TensorFlow Serving's REST API: every case of conformance.yaml, sent by a client that knows nothing of dlkit."""

import json
from pathlib import Path

import pytest
import requests
from ruamel.yaml import YAML
from served_models import Echo, HalfPlusTwo, opened
from servers import in_memory

from dlkit.serving.signature import DEFAULT, TensorSpec
from dlkit.serving.status import HTTP, Code

CASES = YAML(typ="safe").load(Path(__file__).with_name("conformance.yaml"))
ECHO = "POST /v1/models/echo:predict"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for all cases; the model of a case that has its own is replaced."""
    with in_memory(
        tmp_path_factory.mktemp("models"),
        {
            ("half", 123): opened(HalfPlusTwo(), scores="scores", class_names=("",)),
            ("echo", 1): opened(Echo(**{DEFAULT: {"x": TensorSpec("float32", (None,))}})),
        },
        labels={"half": {"stable": 123}},
    ) as running:
        yield running


def as_served(server, specs):
    """Let the model `echo` have these inputs."""
    signature = {name: TensorSpec(dtype, tuple(shape)) for name, (dtype, shape) in specs.items()}
    echo = Echo(**{DEFAULT: signature})
    backend = server.models.models["echo"].versions[1].opened.backend
    backend.signatures = echo.signatures


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["source"])
def test_the_answer_is_that_of_tensorflow_serving(case, server):
    if "model" in case:
        as_served(server, case["model"])
    verb, path = case.get("request", ECHO).split(" ")
    answer = requests.request(verb, server.url + path, data=case.get("body"), timeout=30)
    assert answer.status_code == case["status"], answer.text
    assert answer.headers["content-type"] == "application/json"
    if "answer" in case:
        assert answer.json() == case["answer"]
    else:
        assert list(answer.json()) == ["error"]
        assert case["error"] in answer.json()["error"]


def test_floats_are_written_with_the_digits_that_float32_needs(server):
    as_served(server, {"t": ("float32", (None,))})
    answer = requests.post(
        f"{server.url}/v1/models/echo:predict", data='{"instances": [0.1, 0.2, 1, 555557.5]}', timeout=30
    )
    assert answer.text == '{"predictions":[0.1,0.2,1.0,555557.5]}'


def test_every_code_of_tensorflow_has_its_http_status():
    listed = "200 499 500 400 504 404 409 403 429 400 409 400 501 500 503 500 401"
    assert [HTTP[code] for code in Code] == [int(status) for status in listed.split()]


def test_the_list_has_no_two_equal_cases():
    keys = [json.dumps([case.get(key) for key in ("request", "body", "model")]) for case in CASES]
    assert len(keys) == len(set(keys)) > 100
