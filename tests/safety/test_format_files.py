"""ONNX, LiteRT and OpenVINO files that read other files, or need others' operations, are refused unloaded."""

import numpy as np
import pytest

from dlkit.errors import CheckError, InputError
from dlkit.runs.inspection import inspect
from dlkit.safety.litert_files import check_litert, litert_contents
from dlkit.safety.onnx_files import check_onnx, onnx_contents
from dlkit.safety.openvino_files import check_openvino

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def graph():
    """A graph of one product, y = x W."""
    from onnx import TensorProto, helper, numpy_helper

    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in "xy")
    weights = numpy_helper.from_array(np.eye(2, dtype=np.float32), "w")
    return helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], [weights])


def written(graph, path, **opsets):
    from onnx import helper

    imports = [helper.make_opsetid(domain, version) for domain, version in {"": 18, **opsets}.items()]
    path.write_bytes(helper.make_model(graph, opset_imports=imports).SerializeToString())
    return path


def test_a_plain_onnx_file_is_described(graph, tmp_path):
    path = written(graph, tmp_path / "plain.onnx")
    check_onnx(path)
    found = inspect(path)
    assert (found.kind, found.safe) == ("onnx", True)
    assert found.contents["inputs"] == {"x": {"dtype": "float", "shape": [None, 2]}}
    assert found.contents["operations"] == {"MatMul": 1}


def external(tensor, place):
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", place


def test_values_in_another_file_are_refused_wherever_they_are(graph, tmp_path):
    from onnx import TensorProto, helper, numpy_helper

    inner = helper.make_graph([], "inner", [], [], [numpy_helper.from_array(np.ones(1, np.float32), "hidden")])
    external(inner.initializer[0], "/etc/passwd")
    graph.node.append(helper.make_node("If", ["c"], ["z"], then_branch=inner, else_branch=inner))
    graph.input.append(helper.make_tensor_value_info("c", TensorProto.BOOL, []))
    with pytest.raises(CheckError, match="'hidden' has its values in another file, '/etc/passwd'"):
        check_onnx(written(graph, tmp_path / "inner.onnx"))
    external(graph.initializer[0], "../outside")
    assert [text for text in onnx_contents(written(graph, tmp_path / "both.onnx")).problems if "outside" in text]


def test_operations_of_others_are_refused(graph, tmp_path):
    graph.node[0].domain = "com.example"
    with pytest.raises(CheckError, match=r"com\.example\.MatMul is not ONNX's own"):
        check_onnx(written(graph, tmp_path / "foreign.onnx", **{"com.example": 1}))


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"\xff" * 50, b"PK\x03\x04"])
@pytest.mark.parametrize("name", ["model.onnx", "model.tflite", "model.xml"])
def test_damaged_files_are_named(content, name, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a"):
        inspect(path)


@pytest.fixture(scope="module")
def litert(tmp_path_factory):
    """A LiteRT file of one product."""
    import tensorflow as tf

    weights = tf.constant(np.eye(2, dtype=np.float32))
    function = tf.function(lambda x: {"y": x @ weights}).get_concrete_function(tf.TensorSpec((1, 2), name="x"))
    path = tmp_path_factory.mktemp("litert") / "model.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([function]).convert())
    return path


def changed(source, target, change):
    """A copy of a LiteRT file whose content was changed."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(source.read_bytes(), 0)
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    target.write_bytes(bytes(builder.Output()))
    return target


def test_a_plain_litert_file_is_described(litert, tmp_path):
    check_litert(litert)
    assert litert_contents(litert).operations == {"FULLY_CONNECTED": 1}
    check_litert(changed(litert, tmp_path / "same.tflite", lambda model: None))


def custom(model):
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = 32
    model.operatorCodes[0].customCode = b"FlexReadFile"


def far_buffer(model):
    model.buffers[-1].offset, model.buffers[-1].size = 100, 10**9


def missing_buffer(model):
    model.subgraphs[0].tensors[0].buffer = 99


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (custom, "'FlexReadFile' is not LiteRT's own"),
        (far_buffer, "lies outside of the file"),
        (missing_buffer, "has no values in the file"),
    ],
)
def test_litert_files_that_need_more_are_refused(litert, tmp_path, change, reason):
    with pytest.raises(CheckError, match=reason):
        check_litert(changed(litert, tmp_path / "model.tflite", change))


XML = """<?xml version="1.0"?>
<net name="g" version="11"><layers>
<layer id="0" name="w" type="Const" version="opset1">
<data element_type="f32" shape="2, 2" offset="0" size="16" /></layer>
</layers><edges /></net>
"""


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('size="16"', 'size="17"', "has its values outside of the .bin file"),
        ('offset="0"', 'offset="-4"', "has its values outside of the .bin file"),
        ('opset1"', 'extension"', "is not OpenVINO's own"),
        ('shape="2, 2"', 'shape="2, 2" path="/etc/passwd"', "has the attribute 'path'"),
    ],
)
def test_openvino_models_that_read_more_are_refused(tmp_path, old, new, reason):
    path = tmp_path / "model.xml"
    path.with_suffix(".bin").write_bytes(bytes(16))
    path.write_text(XML)
    check_openvino(path)
    path.write_text(XML.replace(old, new))
    with pytest.raises(CheckError, match=reason):
        check_openvino(path)


def test_entities_and_links_are_refused(tmp_path):
    path = tmp_path / "model.xml"
    path.write_text('<!DOCTYPE net [<!ENTITY a "b">]>' + XML.split("\n", 1)[1])
    with pytest.raises(InputError, match="it declares entities"):
        check_openvino(path)
    (tmp_path / "real.bin").write_bytes(bytes(16))
    path.write_text(XML)
    path.with_suffix(".bin").symlink_to(tmp_path / "real.bin")
    with pytest.raises(CheckError, match=r"model\.bin is a symbolic link"):
        check_openvino(path)
