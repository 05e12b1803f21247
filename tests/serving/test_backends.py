"""The runtimes: artefacts of one run give the same answers in each, with checks before anything is loaded."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import requests
from served_models import HalfPlusTwo, opened, wait_until
from servers import from_folders, in_memory

from dlkit.errors import CheckError, InputError
from dlkit.export.stored import load_samples
from dlkit.serving.model import open_artefact
from dlkit.serving.shadow import agreement
from dlkit.serving.signature import DEFAULT, Signature, TensorSpec


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
