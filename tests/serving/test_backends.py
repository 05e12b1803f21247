"""The runtimes: artefacts of one run give the same answers in each, with checks before anything is loaded."""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import requests
from served_models import HalfPlusTwo, opened, wait_until
from servers import from_folders, in_memory

from dlkit.errors import CheckError, InputError, MissingError
from dlkit.export.stored import hashes, load_samples
from dlkit.serving.backends.backend import labelled, with_label
from dlkit.serving.description import Description
from dlkit.serving.model import open_artefact
from dlkit.serving.shadow import agreement
from dlkit.serving.signature import DEFAULT, Signature, TensorSpec

ROOT = Path(__file__).parents[2]


def free_port():
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def artefact(exported_run):
    """The SavedModel of the shared run."""
    return exported_run[0]


@pytest.fixture
def copy(artefact, tmp_path):
    """A copy of it that a test may change, as version 1 of the model `digits`."""
    return Path(shutil.copytree(artefact, tmp_path / "digits" / "1"))


def test_every_answer_of_the_server_is_the_runs_own(artefact, trained_run):
    from dlkit.model.trained import open_run

    samples = load_samples(trained_run)
    expected = np.asarray(open_run(trained_run).built.predict_raw(samples)["probabilities"])
    with from_folders(artefact.parent) as server:
        url = f"{server.url}/v1/models/{artefact.parent.name}"
        found = requests.post(f"{url}:predict", json={"instances": samples.tolist()}, timeout=60).json()["predictions"]
        assert np.array([row["probabilities"] for row in found]) == pytest.approx(expected, abs=1e-5)
        assert [row["label"] for row in found] == [str(index) for index in expected.argmax(1)]
        columns = requests.post(f"{url}:predict", json={"inputs": {"inputs": samples.tolist()}}, timeout=60).json()
        assert np.array(columns["outputs"]["probabilities"]) == pytest.approx(expected, abs=1e-5)
        examples = [{"inputs": sample.ravel().tolist()} for sample in samples[:3]]
        classes = requests.post(f"{url}:classify", json={"examples": examples}, timeout=60).json()["results"]
        assert [[name for name, _ in row] for row in classes] == [[str(index) for index in range(10)]] * 3
        assert np.array([[score for _, score in row] for row in classes]) == pytest.approx(expected[:3], abs=1e-5)
        metadata = requests.get(f"{url}/metadata", timeout=60).json()["metadata"]["signature_def"]["signature_def"]
        assert metadata["serve_encoded"]["inputs"]["encoded"]["dtype"] == "DT_STRING"
        about = requests.get(f"{server.url}/page/models", timeout=60).json()["models"][0]
        assert (about["kind"], about["encoded"], about["classes"]) == (
            "draw",
            True,
            [str(index) for index in range(10)],
        )


def test_an_artefact_that_changed_or_has_no_certificate_is_refused(copy):
    variables = next(copy.glob("variables/*data*"))
    content = variables.read_bytes()
    variables.write_bytes(content[:-1] + b"x")
    with pytest.raises(CheckError, match=f"variables/{variables.name} was changed"):
        open_artefact(copy)
    variables.write_bytes(content)
    (copy / "more").write_text("")
    with pytest.raises(CheckError, match="more was added"):
        open_artefact(copy)
    (copy / "more").unlink()
    certificate = json.loads((copy / "certificate.json").read_text())
    (copy / "certificate.json").write_text(json.dumps(certificate | {"passed": False}))
    with pytest.raises(CheckError, match="did not pass its certificate"):
        open_artefact(copy)
    (copy / "certificate.json").unlink()
    with pytest.raises(InputError, match=r"has no certificate\.json"):
        open_artefact(copy)
    (copy / "link").symlink_to("/etc/passwd")
    with pytest.raises(InputError, match="is a symbolic link out of"):
        open_artefact(copy)


def test_a_graph_that_does_more_than_compute_is_refused(copy):
    import hashlib

    from tensorflow.core.protobuf import saved_model_pb2

    model = saved_model_pb2.SavedModel()
    model.ParseFromString((copy / "saved_model.pb").read_bytes())
    node = model.meta_graphs[0].graph_def.node.add()
    node.name, node.op = "spy", "ReadFile"
    (copy / "saved_model.pb").write_bytes(model.SerializeToString())
    certificate = json.loads((copy / "certificate.json").read_text())
    certificate["files"]["saved_model.pb"] = hashlib.sha256((copy / "saved_model.pb").read_bytes()).hexdigest()
    (copy / "certificate.json").write_text(json.dumps(certificate))
    with pytest.raises(CheckError, match="operation ReadFile in the graph is not allowed"):
        open_artefact(copy)


def test_a_format_that_is_not_served_is_named(copy, monkeypatch):
    monkeypatch.setattr("dlkit.export.stored.names", lambda kind: ["openvino"])
    certificate = json.loads((copy / "certificate.json").read_text())
    (copy / "certificate.json").write_text(json.dumps(certificate | {"format": "openvino"}))
    with pytest.raises(InputError, match="has the format openvino, which is not served") as refused:
        open_artefact(copy)
    assert refused.value.problems[0].hint == "export saved_model, onnx or litert"


def test_a_new_version_is_swapped_in_and_a_damaged_one_is_not(artefact, tmp_path):
    base = tmp_path / "digits"
    shutil.copytree(artefact, base / "1")
    with from_folders(base, poll=0.05) as server:
        status = f"{server.url}/v1/models/digits"
        shutil.copytree(artefact, tmp_path / "2")
        next((tmp_path / "2").glob("variables/*data*")).write_bytes(b"")
        (tmp_path / "2").rename(base / "2")
        wait_until(lambda: any("version 2 is refused" in text for text in server.told))
        listed = requests.get(status, timeout=30).json()["model_version_status"]
        assert [(one["version"], one["state"], one["status"]["error_code"]) for one in listed] == [
            ("2", "END", "FAILED_PRECONDITION"),
            ("1", "AVAILABLE", "OK"),
        ]
        shutil.copytree(artefact, tmp_path / "3")
        (tmp_path / "3").rename(base / "3")
        wait_until(lambda: server.models.models["digits"].newest.number == 3, 60)
        assert requests.get(f"{server.url}/v2/models/digits", timeout=30).json()["versions"] == ["3"]


class Constant(HalfPlusTwo):
    """Labels that the test chooses, for any samples."""

    def __init__(self, shape, labels):
        self.signatures = {
            DEFAULT: Signature(
                {"inputs": TensorSpec("uint8", (None, *shape))}, {"label": TensorSpec("string", (None,))}
            )
        }
        self.labels = np.array(labels, object)

    def run(self, signature, inputs):
        return {"label": self.labels[: len(inputs["inputs"])]}


def test_shadow_refuses_a_version_that_answers_otherwise_on_the_kept_samples(
    trained_run, artefact, tmp_path, monkeypatch
):
    samples = load_samples(trained_run)
    shape, labels = samples.shape[1:], [b"a"] * len(samples)
    half = [b"b" if index % 2 else b"a" for index in range(len(samples))]
    artefacts = {("net", 1): opened(Constant(shape, labels), folder=artefact)}
    with in_memory(tmp_path, artefacts, poll=0.02, shadow=0.9) as server:
        for version, given in ((2, half), (3, labels)):
            artefacts["net", version] = opened(Constant(shape, given), folder=artefact)
            (tmp_path / "net" / str(version)).mkdir()
            wait_until(lambda version=version: version in server.models.models["net"].versions)
        wait_until(lambda: server.models.models["net"].newest.number == 3)
        (refused,) = [text for text in server.told if "refused" in text]
        assert (
            f"agrees with version 1 on 50.0 % of {len(samples)} kept samples, but --shadow asks for 90.0 %" in refused
        )


def test_agreement_of_values_is_within_a_twentieth_of_their_range():
    before = {"values": np.array([[0.0], [10.0], [5.0], [5.0]])}
    after = {"values": np.array([[0.4], [9.4], [5.0], [np.nan]])}
    assert agreement(before, after) == 0.5
    assert agreement(before, {"values": before["values"][:3]}) == 0.0
    assert agreement(before, {"others": before["values"]}) == 0.0


def certified(folder, format_name, **described):
    """Complete an artefact's folder: what it says about itself, and a certificate."""
    about = {"recipe": "net", "format": format_name, "task": "classification", "scores": "probabilities"}
    about |= {"class_names": ["low", "high"], "columns": None, "starts_at": "raw", "resize": None, "encoded": None}
    (folder / "model.json").write_text(json.dumps(about | described))
    content = {"format": format_name, "recipe": "net", "run": "nowhere", "checkpoint": "last", "passed": True}
    (folder / "certificate.json").write_text(json.dumps(content | {"files": hashes(folder)}))
    return folder


def convolution(folder, **described):
    """An ONNX file of one convolution with a kernel of ones and relu, whose mean decides between two classes."""
    from onnx import TensorProto, helper, save

    nodes = [
        helper.make_node("Cast", ["inputs"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["floats"], ["first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["first", "kernel", "bias"], ["summed"]),
        helper.make_node("Relu", ["summed"], ["maps"]),
        helper.make_node("ReduceMean", ["maps", "axes"], ["mean"], keepdims=0),
        helper.make_node("Sigmoid", ["mean"], ["high"]),
        helper.make_node("Sub", ["one", "high"], ["low"]),
        helper.make_node("Concat", ["low", "high"], ["probabilities"], axis=1),
    ]
    tensors = [
        helper.make_tensor("kernel", TensorProto.FLOAT, [1, 1, 2, 2], [1.0] * 4),
        helper.make_tensor("bias", TensorProto.FLOAT, [1], [-4.0]),
        helper.make_tensor("axes", TensorProto.INT64, [2], [2, 3]),
        helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0]),
    ]
    inputs = [helper.make_tensor_value_info("inputs", TensorProto.UINT8, ["n", 3, 3, 1])]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])]
    graph = helper.make_graph(nodes, "net", inputs, outputs, tensors)
    folder.mkdir(parents=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    save(model, str(folder / "model.onnx"))
    return certified(folder, "onnx", **described)


def test_onnx_answers_as_a_saved_model_does_and_shows_its_feature_maps(tmp_path):
    convolution(tmp_path / "net" / "1")
    pixels = np.arange(9).reshape(1, 3, 3, 1)
    maps = np.maximum([[0 + 1 + 3 + 4 - 4, 1 + 2 + 4 + 5 - 4], [3 + 4 + 6 + 7 - 4, 4 + 5 + 7 + 8 - 4]], 0)
    high = 1 / (1 + np.exp(-maps.mean()))
    with from_folders(tmp_path / "net") as server:
        url = f"{server.url}/v1/models/net:predict"
        (found,) = requests.post(url, json={"instances": pixels.tolist()}, timeout=30).json()["predictions"]
        assert found == {"label": "high", "probabilities": pytest.approx([1 - high, high], abs=1e-6)}
        drawn = requests.post(f"{server.url}/page/features/net", json={"instances": pixels.tolist()}, timeout=30).json()
        (one,) = drawn["maps"]
        assert (one["height"], one["width"]) == (2, 2)
        grey = 255 * (maps - maps.min()) / np.ptp(maps)
        assert list(base64.b64decode(one["pixels"])) == grey.astype(int).ravel().tolist()
        two = requests.post(f"{server.url}/page/features/net", json={"instances": [1, 2]}, timeout=30)
        assert two.status_code == 400
        assert requests.get(f"{server.url}/v2/models/net", timeout=30).json()["platform"] == "onnxruntime_onnx"


def test_an_onnx_file_that_reads_another_is_refused(tmp_path):
    import onnx

    folder = convolution(tmp_path / "net" / "1")
    model = onnx.load(str(folder / "model.onnx"))
    kernel = model.graph.initializer[0]
    kernel.data_location = onnx.TensorProto.EXTERNAL
    kernel.external_data.add(key="location", value="/etc/passwd")
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    certified(folder, "onnx")
    with pytest.raises(CheckError, match="was not loaded"):
        open_artefact(folder)
    (folder / "model.onnx").write_bytes(b"nothing")
    certified(folder, "onnx")
    with pytest.raises((CheckError, InputError), match=r"model\.onnx"):
        open_artefact(folder)


def test_a_damaged_description_is_an_error(tmp_path):
    folder = convolution(tmp_path / "net" / "1")
    (folder / "model.json").write_text("[]")
    (folder / "certificate.json").write_text(
        json.dumps(json.loads((folder / "certificate.json").read_text()) | {"files": hashes(folder)})
    )
    with pytest.raises(CheckError, match=r"a file that describes .* is damaged"):
        open_artefact(folder)


def test_what_the_caller_must_resize_is_said_to_the_page(tmp_path):
    resize = {"height": 3, "width": 3, "interpolation": "bilinear", "crop_to_aspect_ratio": True, "antialias": False}
    folder = convolution(tmp_path / "net" / "1", starts_at="resized", resize=resize, encoded={"channels": 1})
    description = open_artefact(folder).description
    assert (description.resize, description.channels, description.columns) == (resize, 1, ())


def test_a_missing_runtime_is_named(tmp_path, monkeypatch):
    folder = convolution(tmp_path / "net" / "1")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingError, match="serving an ONNX file needs onnxruntime") as missing:
        open_artefact(folder)
    assert missing.value.problems[0].hint == "pip install 'dlkit[onnx]'"


def test_the_server_of_an_onnx_file_starts_without_tensorflow(tmp_path):
    """The program as a user starts it, in a process without TensorFlow: killed, started again, and stopped."""
    convolution(tmp_path / "net" / "1")
    hidden = tmp_path / "hidden"
    for name in ("tensorflow", "keras", "sklearn", "tf2onnx", "tensorflow_datasets", "matplotlib"):
        (hidden / name).mkdir(parents=True)
        (hidden / name / "__init__.py").write_text("raise ImportError('it is not installed')")
    environment = os.environ | {"PYTHONPATH": f"{hidden}{os.pathsep}{ROOT}"}
    words = [sys.executable, "-m", "dlkit", "serve", str(tmp_path / "net"), "--port", str(free_port()), "--json"]
    for stop, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 0), (signal.SIGINT, 0)):
        with open("/dev/full", "w") as full:  # as a log on a full disk
            started = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=full, text=True)
            lines = iter(started.stdout.readline, "}\n")
            about = json.loads("".join(lines) + "}")
            answer = requests.post(
                f"{about['url']}/v1/models/net:predict", json={"instances": [[[[0]] * 3] * 3]}, timeout=30
            )
            assert answer.json()["predictions"][0]["label"] == "low"
            assert "tensorflow" not in Path(f"/proc/{started.pid}/maps").read_text()
            started.send_signal(stop)
            assert started.wait(30) == code
            started.stdout.close()


def test_letters_are_a_text_too():
    """A runtime without strings gives the letters of a transcript; the server spells them, as a SavedModel does."""
    letters = TensorSpec("int32", (None, None))
    signature = Signature({"inputs": TensorSpec("float32", (None, None))}, {"letters": letters})
    description = Description("words", "onnx", spells="letters", class_names=("a", "b", "c"))
    signatures = with_label(signature, description)
    assert signatures[DEFAULT].outputs["text"] == TensorSpec("string", (None,))
    letters = np.array([[1, -1, 0, 2, -1], [-1, -1, -1, -1, -1], [2, -1, 2, -1, -1]], "int32")
    found = labelled({"letters": letters}, signatures[DEFAULT], description)
    assert found["text"].tolist() == [b"bac", b"", b"cc"]
    assert "text" not in with_label(signature, Description("digits", "onnx", class_names=("a", "b")))[DEFAULT].outputs
