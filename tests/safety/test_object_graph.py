"""What loading a SavedModel would run is seen from its graph alone, and refused by inspect and by export --verify."""

import hashlib
import json
import os
import shutil

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from dlkit.errors import CheckError
from dlkit.export.export import verify
from dlkit.export.stored import read_certificate
from dlkit.model.trained import open_run
from dlkit.runs.inspection import inspect


@pytest.fixture(scope="module")
def trained(trained_run):
    return open_run(trained_run)


@pytest.fixture(scope="module")
def exported(earlier_export):
    """An export that reads a file of its own, which the attacks replace."""
    return earlier_export


def changed(exported, folder, change):
    """A copy of an export whose graph is changed, and whose certificate says that it is the right one."""
    copy = shutil.copytree(exported, folder)
    model = saved_model_pb2.SavedModel()
    model.ParseFromString((copy / "saved_model.pb").read_bytes())
    change(model)
    content = model.SerializeToString()
    (copy / "saved_model.pb").write_bytes(content)
    certificate = json.loads((copy / "certificate.json").read_text())
    certificate["files"]["saved_model.pb"] = hashlib.sha256(content).hexdigest()
    (copy / "certificate.json").write_text(json.dumps(certificate))
    return copy


def no_object_graph(model):
    model.meta_graphs[0].ClearField("object_graph_def")


def saver_that_writes_when_it_restores(model):
    meta = model.meta_graphs[0]
    node = next(node for node in meta.graph_def.node if node.name == meta.saver_def.restore_op_name)
    saves = next(f for f in meta.graph_def.library.function if f.signature.name.startswith("__inference__traced_save_"))
    node.attr["f"].func.name = saves.signature.name


def saver_with_a_function_in_an_argument(model):
    meta = model.meta_graphs[0]
    node = next(node for node in meta.graph_def.node if node.name == meta.saver_def.restore_op_name)
    node.attr["f"].func.attr["g"].func.name = node.attr["f"].func.name


def saver_of_an_object(model):
    model.meta_graphs[0].object_graph_def.nodes[0].saveable_objects["x"].save_function = 1


def another_path(model):
    meta = model.meta_graphs[0]
    function = next(f for f in meta.graph_def.library.function if f.signature.name.startswith("__inference__traced_re"))
    path = function.node_def.add(name="path", op="Const")
    path.attr["value"].tensor.CopyFrom(tf.make_tensor_proto("/etc/x"))
    path.attr["dtype"].type = tf.string.as_datatype_enum
    for node in function.node_def:
        if node.op == "RestoreV2":
            node.input[0] = "path:output:0"


def initializer_of(meta):
    return next(f for f in meta.graph_def.library.function if f.signature.name.startswith("__inference__initializer_"))


def table_from_any_file(model):
    function = initializer_of(model.meta_graphs[0])
    path = function.node_def.add(name="path", op="Const")
    path.attr["value"].tensor.CopyFrom(tf.make_tensor_proto("/etc/passwd"))
    path.attr["dtype"].type = tf.string.as_datatype_enum
    reads = next(node for node in function.node_def if node.op == "InitializeTableFromTextFileV2")
    reads.input[1] = "path:output:0"


def table_from_a_constant_of_the_object_graph(model):
    meta = model.meta_graphs[0]
    bound = meta.object_graph_def.concrete_functions[initializer_of(meta).signature.name].bound_inputs
    bound[0] = next(i for i, item in enumerate(meta.object_graph_def.nodes) if item.HasField("constant"))


def table_from_a_constant_of_the_graph(model):
    """TensorFlow Serving runs the operations of the graph, Python those of the object graph."""
    meta = model.meta_graphs[0]
    path = meta.graph_def.node.add(name="path", op="Const")
    path.attr["value"].tensor.CopyFrom(tf.make_tensor_proto("/etc/passwd"))
    path.attr["dtype"].type = tf.string.as_datatype_enum
    name = initializer_of(meta).signature.name
    node = next(node for node in meta.graph_def.node if node.attr["f"].func.name == name)
    node.input[0] = "path"


def another_machine(model):
    model.meta_graphs[0].graph_def.node[0].device = "/job:worker/task:0"


def two_graphs(model):
    model.meta_graphs.add().CopyFrom(model.meta_graphs[0])


ATTACKS = {
    no_object_graph: "it has no object graph",
    saver_that_writes_when_it_restores: " calls __inference__traced_save_",
    saver_with_a_function_in_an_argument: "the restore operation of the saver, ",
    saver_of_an_object: "object 0 has its own saver",
    another_path: "reads a file of its choice",
    table_from_any_file: "reads a file that is not an asset",
    table_from_a_constant_of_the_object_graph: "reads a file that is not an asset",
    table_from_a_constant_of_the_graph: "a file that is not an asset",
    another_machine: "requests the device /job:worker/task:0",
    two_graphs: "it has 2 graphs",
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_what_loading_would_run_is_refused(exported, trained, tmp_path, attack, monkeypatch):
    copy = changed(exported, tmp_path / "1", attack)
    found = inspect(copy)
    assert not found.safe
    assert any(ATTACKS[attack] in reason for reason in found.reasons), found.reasons
    monkeypatch.setattr("dlkit.export.certificate.Reader", lambda *_: pytest.fail("loaded"))
    with pytest.raises(CheckError, match="was not loaded"):
        verify(copy, trained)


def test_an_honest_export_is_safe(exported):
    assert inspect(exported).reasons == []


def test_a_function_that_reads_a_file_is_called_by_nobody_else(tmp_path):
    """The path comes from a constant of the caller, so that the reading function alone looks harmless."""

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
        def inner(self, filename):
            table = tf.raw_ops.HashTableV2(key_dtype=tf.int64, value_dtype=tf.string, shared_name="t")
            filled = tf.raw_ops.InitializeTableFromTextFileV2(
                table_handle=table, filename=filename, key_index=-1, value_index=-2, vocab_size=-1, delimiter="\t"
            )
            with tf.control_dependencies([filled]):
                return tf.raw_ops.LookupTableFindV2(
                    table_handle=table, keys=tf.range(3, dtype=tf.int64), default_value=""
                )

        @tf.function(input_signature=[tf.TensorSpec([], tf.float32)], autograph=False)
        def serve(self, x):
            return {"lines": self.inner(tf.constant("/etc/passwd"))}

    module = Module()
    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"serving_default": module.serve})
    reasons = inspect(tmp_path / "1").reasons
    assert any("which reads a file, is called by" in reason for reason in reasons)


@pytest.mark.parametrize("checkpoint", ["/tmp/x/last", "../../other/last", "last.keras", None])
def test_a_certificate_cannot_name_a_file_of_its_own(exported, tmp_path, dlkit, trained_run, checkpoint):
    copy = shutil.copytree(exported, tmp_path / "1")
    certificate = json.loads((copy / "certificate.json").read_text()) | {"checkpoint": checkpoint}
    (copy / "certificate.json").write_text(json.dumps(certificate))
    code, _, error = dlkit("export", "--verify", copy)
    assert code == 1
    assert f"there is no checkpoint {checkpoint!r}" in error


def saving_function(meta, name="__inference__traced_save_99"):
    """Add a function that writes a file at a path of its own choice."""

    def run(x):
        tf.raw_ops.SaveV2(prefix="/elsewhere", tensor_names=["a"], shape_and_slices=[""], tensors=[x])
        return tf.identity(x)

    compiled = tf.function(run, autograph=False).get_concrete_function(tf.TensorSpec([], tf.string))
    function = meta.graph_def.library.function.add()
    function.CopyFrom(compiled.function_def)
    function.signature.name = name
    return name


def as_a_signature(model):
    """The object graph offers the function as an endpoint, without listing it among its own functions."""
    meta = model.meta_graphs[0]
    item = next(item for item in meta.object_graph_def.nodes if item.HasField("bare_concrete_function"))
    item.bare_concrete_function.concrete_function_name = saving_function(meta)


def as_a_method(model):
    meta = model.meta_graphs[0]
    item = next(item for item in meta.object_graph_def.nodes if item.HasField("function"))
    item.function.concrete_functions.append(saving_function(meta))


def as_a_gradient(model):
    meta = model.meta_graphs[0]
    name = saving_function(meta)
    meta.graph_def.library.gradient.add(function_name=initializer_of(meta).signature.name, gradient_func=name)


def as_an_argument(model):
    """A function that a node passes to the function that it calls."""
    meta = model.meta_graphs[0]
    name = saving_function(meta)
    node = next(node for node in meta.graph_def.node if node.attr["f"].func.name)
    node.attr["f"].func.attr["g"].func.name = name


def by_exchange(model):
    """TensorFlow's optimizer calls one function in place of another that implements the same interface."""
    meta = model.meta_graphs[0]
    name = saving_function(meta)
    for function in meta.graph_def.library.function:
        if function.signature.name in (name, initializer_of(meta).signature.name):
            function.attr["api_implements"].s = b"x"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (as_a_signature, "is called outside the saver"),
        (as_a_method, "is called outside the saver"),
        (as_a_gradient, "is called outside the saver"),
        (as_an_argument, "is called outside the saver"),
        (by_exchange, "can be exchanged for another one"),
    ],
)
def test_a_function_with_a_name_of_the_saver_cannot_be_reached(exported, trained, tmp_path, change, reason):
    copy = changed(exported, tmp_path / "1", change)
    assert any(reason in problem for problem in inspect(copy).reasons)
    with pytest.raises(CheckError, match="was not loaded"):
        verify(copy, trained)


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_variables_are_regular_files_of_the_artefact(exported, tmp_path, kind):
    copy = shutil.copytree(exported, tmp_path / "1")
    index = copy / "variables" / "variables.index"
    index.unlink()
    os.mkfifo(index) if kind == "pipe" else index.symlink_to("/etc/passwd")
    wanted = "is not a regular file" if kind == "pipe" else "is a symbolic link out of the folder"
    assert inspect(copy).reasons == [f"{index} {wanted}"]


def test_a_deeply_nested_certificate_is_damaged(exported, tmp_path):
    copy = shutil.copytree(exported, tmp_path / "1")
    (copy / "certificate.json").write_text("[" * 100_000)
    with pytest.raises(CheckError, match="is damaged"):
        read_certificate(copy)
