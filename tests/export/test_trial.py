"""Before any training, a format is tried with fresh weights, and what it cannot express is refused at its line."""

import json

import pytest

pytestmark = pytest.mark.filterwarnings("ignore")
SEQUENCES = """
recipe: 1
name: sequences
task: regression
data:
  source: {declared: {shape: [null, 2], targets: 1}}
model:
  sequential:
    layers: [LSTM: {units: 4}, Dense: {units: 1}]
training: {epochs: 1, optimizer: {Adam: {learning_rate: 0.001}}}
"""


@pytest.fixture
def sequences(tmp_path):
    path = tmp_path / "sequences.yaml"
    path.write_text(SEQUENCES)
    return path


def test_a_network_that_a_format_can_express_is_tried(dlkit, convert_here):
    done = dlkit("validate", "digits_mlp", "--format", "onnx", "--format", "litert", "--format", "code")
    assert (done.code, done.out) == (0, "ok  digits_mlp\n"), done.error


def test_a_recurrent_network_over_any_length_is_refused_for_litert_alone(dlkit, sequences, convert_here):
    done = dlkit("validate", sequences, "--format", "litert", "--format", "code", "--json")
    assert done.code == 2
    problems = json.loads(done.out)
    assert len(problems) == 1, problems
    problem = problems[0]
    assert problem["message"].startswith(
        "format litert cannot express this network: layer 'lstm' reads sequences of any"
    )
    assert (problem["file"].rpartition("/")[2], problem["line"]) == ("sequences.yaml", 8)


def test_a_converter_that_fails_is_a_refusal_with_its_reason(dlkit, sequences, monkeypatch):
    from dlkit.interfaces.exporter import ConversionError

    def fails(*_, **__):
        raise ConversionError("the converter failed: no such operation", "export another format")

    monkeypatch.setattr("dlkit.components.exporters.onnx.convert", fails)
    done = dlkit("validate", sequences, "--format", "onnx")
    assert done.code == 2
    assert "format onnx cannot express this network: the converter failed: no such operation" in done.error


def test_an_unknown_format_is_named(dlkit):
    done = dlkit("validate", "digits_mlp", "--format", "onx")
    assert done.code == 2
    assert "did you mean 'onnx'?" in done.error
