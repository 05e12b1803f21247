"""The Open Inference Protocol: a real client, tritonclient, and what others may send."""

import json

import numpy as np
import pytest
import requests
import tritonclient.http as triton
from served_models import Echo, HalfPlusTwo, Slow, opened
from servers import in_memory

import dlkit
from dlkit.serving.signature import DEFAULT, TensorSpec

SPECS = {
    "number": TensorSpec("float32", (None, 2)),
    "whole": TensorSpec("int64", (None,)),
    "text": TensorSpec("string", (None, 2)),
    "flag": TensorSpec("bool", (None,)),
    "half": TensorSpec("float16", (None,)),
}
VALUES = {
    "number": np.array([[1.5, -2], [3, 4]], "float32"),
    "whole": np.array([2**62, -1]),
    "text": np.array([[b"a", b"\xff\x00"], ["é".encode(), b""]], object),
    "flag": np.array([True, False]),
    "half": np.array([0.5, 2], "float16"),
}
V2 = {"number": "FP32", "whole": "INT64", "text": "BYTES", "flag": "BOOL", "half": "FP16"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    slow = Slow()
    artefacts = {
        ("half", 3): opened(HalfPlusTwo()),
        ("echo", 1): opened(Echo(**{DEFAULT: SPECS, "other": {"z": SPECS["number"]}})),
        ("slow", 1): opened(slow),
    }
    with in_memory(tmp_path_factory.mktemp("models"), artefacts) as running:
        running.slow = slow
        yield running
        slow.free.set()


@pytest.fixture(scope="module")
def client(server):
    with triton.InferenceServerClient(server.url.removeprefix("http://")) as found:
        yield found


def inputs(binary, names=tuple(SPECS)):
    made = []
    for name in names:
        one = triton.InferInput(name, list(VALUES[name].shape), V2[name])
        one.set_data_from_numpy(VALUES[name], binary_data=binary)
        made.append(one)
    return made


def test_health_and_metadata(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("half")
    assert client.is_model_ready("half", "3")
    assert not client.is_model_ready("half", "9")
    assert not client.is_model_ready("none")
    assert client.get_server_metadata() == {
        "name": "dlkit",
        "version": dlkit.__version__,
        "extensions": ["binary_tensor_data"],
    }
    assert client.get_model_metadata("half") == {
        "name": "half",
        "versions": ["3"],
        "platform": "python",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1]}],
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1]}],
    }


def test_binary_tensors_of_every_kind_come_back_as_they_were(client):
    answer = client.infer("echo", inputs(binary=True), request_id="seven")
    for name, value in VALUES.items():
        assert answer.as_numpy(name).tolist() == value.tolist(), name
    response = answer.get_response()
    assert (response["id"], response["model_name"], response["model_version"]) == ("seven", "echo", "1")


def test_json_tensors_and_chosen_outputs(server):
    names = ("number", "whole", "text", "flag", "half")
    body = {
        "inputs": [
            {"name": name, "shape": list(VALUES[name].shape), "datatype": V2[name], "data": data}
            for name, data in zip(
                names, ([[1.5, -2], [3, 4]], [2**62, -1], ["a", "b", "é", ""], [True, False], [0.5, 2]), strict=True
            )
        ],
        "outputs": [{"name": "text"}, {"name": "number"}],
    }
    answer = requests.post(f"{server.url}/v2/models/echo/versions/1/infer", json=body, timeout=30).json()
    assert answer["outputs"] == [
        {"name": "text", "datatype": "BYTES", "shape": [2, 2], "data": ["a", "b", "é", ""]},
        {"name": "number", "datatype": "FP32", "shape": [2, 2], "data": [1.5, -2.0, 3.0, 4.0]},
    ]


def test_the_endpoint_is_the_one_that_takes_the_inputs(client):
    one = triton.InferInput("z", [2, 2], "FP32")
    one.set_data_from_numpy(VALUES["number"])
    assert client.infer("echo", [one]).as_numpy("z").tolist() == VALUES["number"].tolist()


def test_the_deadline_of_a_request_is_its_own_or_the_servers(server, client):
    one = triton.InferInput("x", [1], "FP32")
    one.set_data_from_numpy(np.ones(1, "float32"))
    with pytest.raises(triton.InferenceServerException, match=r"no answer within 0\.05 s, waiting included") as late:
        client.infer("slow", [one], timeout=50_000)
    assert late.value.status() == "504"
    server.slow.free.set()


X = {"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}
WRONG = {
    "no inputs": ({}, "a request needs a list of 'inputs'"),
    "no name": ({"inputs": [{}]}, "every entry of 'inputs' is an object with a name"),
    "an unknown input": ({"inputs": [X | {"name": "q"}]}, "the request has the inputs [q], but the model takes [x]"),
    "an input twice": ({"inputs": [X, X]}, "input 'x' is given twice"),
    "an unknown datatype": ({"inputs": [X | {"datatype": "FP8"}]}, "input 'x' has the datatype 'FP8'; allowed: FP16"),
    "another datatype": (
        {"inputs": [X | {"datatype": "INT32"}]},
        "input 'x' has the datatype INT32, but the model takes FP32",
    ),
    "no shape": ({"inputs": [X | {"shape": [-1]}]}, "input 'x' has the shape [-1], which is not a list of sizes"),
    "another shape": ({"inputs": [X | {"shape": [2]}]}, "input 'x' has 1 values, but its shape is [2]"),
    "a shape of no model": (
        {"inputs": [X | {"shape": [1, 1]}]},
        "input x has the shape [1, 1], but the model takes float [?]",
    ),
    "no data": ({"inputs": [{key: X[key] for key in ("name", "shape", "datatype")}]}, "input 'x' has no data"),
    "text": ({"inputs": [X | {"data": ["a"]}]}, 'JSON Value: "a" Type: String is not of expected type: float'),
    "bytes that are not there": (
        {"inputs": [X | {"parameters": {"binary_data_size": 4}}]},
        "input 'x' declares 4 binary bytes, but 0 are left",
    ),
    "an unknown output": ({"inputs": [X], "outputs": [{"name": "q"}]}, "the model has no output 'q'; it has y"),
    "a wrong deadline": ({"inputs": [X], "parameters": {"timeout": "soon"}}, "the parameter timeout is 'soon'"),
    "parameters that are none": (
        {"inputs": [X], "parameters": 3},
        "parameters is of type Number, but an object is expected",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_request_is_told_what_is_wrong(name, server):
    body, says = WRONG[name]
    answer = requests.post(f"{server.url}/v2/models/half/infer", json=body, timeout=30)
    assert answer.status_code == 400
    assert says in answer.json()["error"]


def post_binary(server, head, rest, length=None):
    text = json.dumps(head).encode()
    headers = {"Inference-Header-Content-Length": str(len(text)) if length is None else length}
    return requests.post(f"{server.url}/v2/models/half/infer", data=text + rest, headers=headers, timeout=30)


def binary(size):
    return {"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": size}}]}


@pytest.mark.parametrize(
    ("size", "rest", "length", "says"),
    [
        (3, b"abc", None, "input 'x' has 3 bytes, which are not whole values of 4 bytes"),
        (8, b"12345678", None, "input 'x' has 2 values, but its shape is [1]"),
        (4, b"12345", None, "the inputs declare 4 binary bytes, but the request has 5"),
        (4, np.float32("nan").tobytes(), None, "input x contains NaN or infinity"),
        (4, np.float32("inf").tobytes(), None, "input x contains NaN or infinity"),
        (4, b"1234", "99999", "Inference-Header-Content-Length is 99999, but the body has"),
        (4, b"1234", "x", "Inference-Header-Content-Length is x, but the body has"),
    ],
)
def test_wrong_binary_tensors(size, rest, length, says, server):
    answer = post_binary(server, binary(size), rest, length)
    assert answer.status_code == 400
    assert says in answer.json()["error"]


@pytest.mark.parametrize("raw", [b"\x05\x00\x00\x00abc", b"\x05\x00", b"\xff\xff\xff\xff"])
def test_strings_that_end_too_early(raw, server):
    text = {"name": "text", "shape": [1, 2], "datatype": "BYTES", "parameters": {"binary_data_size": len(raw)}}
    head = json.dumps(
        {
            "inputs": [
                text,
                *({"name": name, "shape": [0], "datatype": V2[name], "data": []} for name in SPECS if name != "text"),
            ]
        }
    ).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    answer = requests.post(f"{server.url}/v2/models/echo/infer", data=head + raw, headers=headers, timeout=30)
    assert (answer.status_code, answer.json()) == (400, {"error": "input 'text' ends in the middle of a string"})


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/v2/models/none"),
        ("POST", "/v2/models/none/infer"),
        ("GET", "/v2/nothing"),
        ("GET", "/v2/models/half/infer"),
        ("POST", "/v2/models/half"),
    ],
)
def test_what_is_not_there(verb, path, server):
    answer = requests.request(verb, server.url + path, json={"inputs": [X]}, timeout=30)
    assert answer.status_code == 404
    assert list(answer.json()) == ["error"]
