"""Every format gives the run's answers with its own runtime, says what it takes, and shows one changed byte."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from dlkit.catalog.find import names
from dlkit.components.datasets.digits import Digits
from dlkit.errors import CheckError, InputError, MissingError
from dlkit.export.certificate import CertificateError, exporter_of
from dlkit.export.export import export, verify
from dlkit.export.request import ExportRequest, check_format_names
from dlkit.export.validation import held_out
from dlkit.interfaces.exporter import Tolerance
from dlkit.model.trained import open_run

pytestmark = pytest.mark.filterwarnings("ignore")  # of the converters, which run in this process here
FILES = {
    "code": ["model.py", "model.weights.h5"],
    "litert": ["model.tflite"],
    "litert_float16": ["model.tflite"],
    "litert_int8": ["model.tflite"],
    "onnx": ["model.onnx"],
    "openvino": ["model.bin", "model.xml"],
}


@pytest.fixture(scope="module")
def trained(trained_run):
    return open_run(trained_run)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The artefacts of this module by format, each exported once; tests change copies."""
    return {"folder": tmp_path_factory.mktemp("made")}


@pytest.fixture
def artefact(made, trained, convert_here):
    """Return the artefact of a format and its certificate."""

    def of(name):
        if name not in made:
            made[name] = export(trained, name, made["folder"] / name, data=held_out(trained, 100, print))
        return made[name]

    return of


def flip_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_every_format_is_tried():
    assert {*FILES, "saved_model", "serving"} == {*names("exporter")}


@pytest.mark.parametrize("name", FILES)
def test_a_format_gives_the_runs_answers(name, trained, tmp_path, artefact):
    path, certificate = artefact(name)
    assert certificate["passed"]
    assert certificate["validation"]["examples"] == 100
    assert certificate["validation"]["of"] == 144
    assert certificate["metric"]["run"] == pytest.approx(certificate["metric"]["artefact"], abs=0.0101)
    assert certificate["label_agreement"] == 1.0
    assert certificate["largest_absolute_difference"] <= {"litert_float16": 5e-3, "litert_int8": 0.1}.get(name, 1e-5)
    assert sorted(certificate["files"]) == sorted([*FILES[name], "class_names.json", "model.json"])
    said = json.loads((path / "model.json").read_text())
    assert said["inputs"] == [{"name": "inputs", "dtype": "uint8", "shape": [None, 8, 8, 1]}]
    assert said["outputs"] == [{"name": "probabilities", "dtype": "float32", "shape": [None, 10]}]
    assert (said["scores"], said["starts_at"], said["class_names"]) == ("probabilities", "raw", list("0123456789"))
    assert "label: class_names[argmax of probabilities]" in said["caller"]
    for file in certificate["files"]:
        copy = shutil.copytree(path, tmp_path / "copy" / file / "1")
        flip_byte(copy / file)
        with pytest.raises(CheckError, match=f"{file} was changed"):
            verify(copy, trained)


@pytest.mark.parametrize("name", FILES)
def test_an_artefact_is_verified_with_its_own_runtime(name, trained, artefact):
    assert verify(artefact(name)[0], trained)["passed"]


def test_onnx_runtime_alone_gives_the_test_accuracy_from_raw_pixels(trained, artefact):
    import onnxruntime

    path, _ = artefact("onnx")
    session = onnxruntime.InferenceSession(path / "model.onnx")
    test = Digits().load("test", None)
    (found,) = session.run(["probabilities"], {"inputs": test.inputs})
    expected = trained.built.predict_raw(test.inputs)["probabilities"]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert [item.version for item in _opsets(path / "model.onnx")] == [18]


def _opsets(path):
    import onnx

    return [item for item in onnx.load(path).opset_import if item.domain == ""]


def test_int8_is_smaller_than_float16_and_that_than_float32(artefact):
    sizes = [artefact(name)[1]["size"] for name in ("litert_int8", "litert_float16", "litert")]
    assert sizes == sorted(sizes)
    assert sizes[0] * 2 < sizes[2]


def test_int8_that_loses_more_than_is_allowed_is_discarded(trained, tmp_path, artefact, monkeypatch):
    artefact("litert_int8")
    monkeypatch.setattr("dlkit.export.validation._Meters.result", lambda *_: METRIC)
    with pytest.raises(CertificateError, match=r"accuracy 0\.88 instead of 0\.9 on 144 examples"):
        export(trained, "litert_int8", tmp_path, data=held_out(trained, None, print), allowed_loss=0.01)
    assert list((tmp_path / "digits_mlp").iterdir()) == []
    _, certificate = artefact("litert_int8")
    assert (certificate["allowed_loss"], certificate["tolerance"]) == (0.01, None)


METRIC = {"name": "accuracy", "run": 0.9, "artefact": 0.88, "higher_is_better": True, "loss": 0.02, "examples": 144}


def test_a_script_is_not_run_unless_the_run_gives_it(trained, tmp_path, artefact):
    """A foreign certificate may fit a foreign script: its hashes say nothing of its author."""
    import hashlib

    path = shutil.copytree(artefact("code")[0], tmp_path / "1")
    script = path / "model.py"
    script.write_text(script.read_text() + "\nraise SystemExit('run')\n")
    content = json.loads((path / "certificate.json").read_text())
    content["files"]["model.py"] = hashlib.sha256(script.read_bytes()).hexdigest()
    (path / "certificate.json").write_text(json.dumps(content))
    with pytest.raises(CheckError, match=r"model\.py was not run"):
        verify(path, trained)


def test_a_script_shows_the_table_and_needs_keras_alone(trained, tmp_path, artefact):
    path, _ = artefact("code")
    text = (path / "model.py").read_text()
    assert "layers.Dense(64, activation='relu', name='dense')(x2)  # [64]  4,160" in text
    assert "layers.Dense(10, activation='softmax', name='dense_1')(x4)  # [10]  650" in text
    test = Digits().load("test", None).inputs[:20]
    np.save(tmp_path / "inputs.npy", test)
    program = (
        "import sys; sys.modules['dlkit'] = None; import numpy as np, runpy; "
        "model = runpy.run_path(sys.argv[1]); "
        "np.save(sys.argv[3], model['predict'](model['load'](), np.load(sys.argv[2]))['probabilities'])"
    )
    words = [path / "model.py", tmp_path / "inputs.npy", tmp_path / "outputs.npy"]
    subprocess.run([sys.executable, "-I", "-c", program, *map(str, words)], check=True, capture_output=True)
    expected = trained.built.predict_raw(test)["probabilities"]
    np.testing.assert_allclose(np.load(words[2]), expected, atol=1e-6)


def test_a_converter_that_crashes_is_named(trained, tmp_path, monkeypatch):
    script = tmp_path / "crash.py"
    script.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setattr("dlkit.components.exporters.onnx.PROGRAMS", tmp_path)
    script.rename(tmp_path / "convert_onnx.py")
    with pytest.raises(CheckError, match="the converter failed: its process ended with SIGSEGV"):
        export(trained, "onnx", tmp_path / "out")
    assert list((tmp_path / "out" / "digits_mlp").iterdir()) == []


def test_a_missing_package_is_named_with_its_command(tmp_path, monkeypatch):
    monkeypatch.setattr("dlkit.catalog.find.find_spec", lambda module: None)
    with pytest.raises(MissingError) as error:
        ExportRequest(tmp_path, None, "openvino").resolve()
    assert error.value.problems[0].hint == "pip install 'dlkit[openvino]'"
    assert check_format_names(["all"]) == ["code", "saved_model", "serving"]
    with pytest.raises(InputError, match="unknown --format 'onx'"):
        check_format_names(["onx"])


def test_data_that_is_missing_is_said(trained, tmp_path):
    notes = []
    other = replace(trained, loaded=replace(trained.loaded, recipe=_without_validation(trained.loaded.recipe)))
    assert held_out(other, None, notes.append) is None
    assert notes == ["the recipe holds no validation out: the certificate compares the run's samples only"]


def _without_validation(recipe):
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"validation": "none"})})


def test_a_half_precision_widens_every_tolerance():
    for name in ("onnx", "code", "litert_float16"):
        tolerance = exporter_of(name).tolerance
        assert tolerance.at("mixed_bfloat16").absolute == 4 * 2**-8
        assert tolerance.at("float32") is tolerance
    assert exporter_of("onnx").tolerance == Tolerance()
