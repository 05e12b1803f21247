"""Any artefact is described without being loaded, and what is dangerous in it is named."""

import json
import os
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from dlkit.errors import CheckError, InputError, MissingError
from dlkit.export.export import verify
from dlkit.model.trained import load_weights, open_run
from dlkit.runs.directory import RunDirectory
from dlkit.runs.inspection import inspect
from dlkit.safety.keras_files import check_keras
from dlkit.safety.saved_models import check_saved_model


@pytest.fixture(scope="module")
def trained(trained_run):
    return open_run(trained_run)


@pytest.fixture(scope="module")
def exported(exported_run):
    return exported_run[0]


def rewritten(source, target, change):
    """A copy of a .keras file with its members changed: `change` gets and may alter {name: bytes}."""
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target


def with_layer(layer):
    def change(members):
        config = json.loads(members["config.json"])
        config["config"]["layers"].append(layer)
        members["config.json"] = json.dumps(config).encode()

    return change


def test_a_checkpoint_is_described(trained_run):
    found = inspect(trained_run.path / "last.keras")
    assert (found.kind, found.safe, found.reasons) == ("keras", True, [])
    assert found.contents["parameters"] == 4810
    assert found.contents["layers"] == {
        "keras.layers.Dense": 2,
        "keras.layers.Dropout": 1,
        "keras.layers.InputLayer": 1,
    }
    assert found.contents["arrays"]["/layers/dense/vars/0"] == [64, 64]
    assert set(found.contents["members"]) == {"metadata.json", "config.json", "model.weights.h5"}


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ({"class_name": "Lambda", "module": "keras.layers", "config": {}}, "Lambda contains code"),
        ({"class_name": "Net", "module": "evil.layers", "config": {}}, "Net comes from the module evil.layers"),
        (
            {"class_name": "Net", "module": None, "registered_name": "evil>Net", "config": {}},
            "Net is a custom registered class, evil>Net",
        ),
        (
            {"class_name": "function", "module": "keras.utils", "config": "get_file"},
            "function refers to keras.utils.get_file, which is not part of a model",
        ),
    ],
)
def test_classes_that_bring_code_are_named(trained_run, tmp_path, layer, reason):
    path = rewritten(trained_run.path / "last.keras", tmp_path / "x.keras", with_layer(layer))
    found = inspect(path)
    assert (found.safe, found.reasons) == (False, [reason])


def add(name, content=b"x"):
    return lambda members: members.update({name: content})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (add("../evil"), "member '../evil' would be written outside its folder"),
        (add("assets/evil.pkl"), "member 'assets/evil.pkl' is code or a pickle"),
        (add("assets/evil.PKL"), "member 'assets/evil.PKL' is code or a pickle"),
        (add("other.txt"), "member 'other.txt' is not one that Keras writes"),
        (with_layer({"class_name": "Lambda", "module": "keras.layers", "config": {}}), "Lambda contains code"),
    ],
)
def test_dangerous_checkpoints_are_refused_before_keras_opens_them(trained, tmp_path, monkeypatch, change, reason):
    path = rewritten(trained.run.path / "last.keras", tmp_path / "x.keras", change)
    assert reason in inspect(path).reasons
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_: pytest.fail("opened"))
    with pytest.raises(InputError) as caught:
        load_weights(trained.built.network, path)
    assert str(caught.value).startswith(f"{path} is not safe to open: ")
    assert reason in str(caught.value)


def test_classes_of_others_do_no_harm_while_only_weights_are_read(trained_run, tmp_path):
    layer = {"class_name": "Net", "module": "elsewhere.layers", "config": {}}
    path = rewritten(trained_run.path / "last.keras", tmp_path / "x.keras", with_layer(layer))
    check_keras(path)
    assert inspect(path).reasons == ["Net comes from the module elsewhere.layers"]


def test_old_h5_files_with_pickled_lambdas_are_named(tmp_path):
    config = {"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {"name": "x"}}]}}
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        file["dense/kernel"] = np.zeros((3, 2), np.float32)
        file["elsewhere"] = h5py.ExternalLink("other.h5", "/x")
    found = inspect(tmp_path / "old.h5")
    assert found.contents == {"layers": {"Lambda": 1}, "parameters": 6, "arrays": {"/dense/kernel": [3, 2]}}
    assert found.reasons == ["weights: /elsewhere is a ExternalLink to other.h5:/x", "Lambda contains code"]


def test_arrays_and_certificates(tmp_path, exported):
    np.savez(tmp_path / "x.npz", x=np.zeros((2, 3), np.uint8))
    assert inspect(tmp_path / "x.npz").contents == {"arrays": {"x": {"dtype": "uint8", "shape": [2, 3]}}}
    np.save(tmp_path / "objects.npy", np.asarray([{}]), allow_pickle=True)
    found = inspect(tmp_path / "objects.npy")
    assert found.reasons == ["objects.npy: it contains Python objects, which can only be loaded with pickle"]
    assert inspect(exported / "certificate.json").contents["certificate"]["recipe"] == "digits_mlp"


def test_a_run_is_described_and_links_out_of_it_are_named(trained_run, tmp_path):
    copy = shutil.copytree(trained_run.path, tmp_path / "digits_mlp" / "run")
    found = inspect(copy)
    assert (found.kind, found.safe, found.reasons) == ("run", True, [])
    assert (found.contents["recipe"], found.contents["finished"]) == ("digits_mlp", True)
    assert {"last.keras", "preprocess.keras", "samples.npz"} <= set(found.contents["inspected"])
    (copy / "figures" / "out").symlink_to(tmp_path)
    assert inspect(copy).reasons == [f"{copy / 'figures' / 'out'} is a symbolic link out of the run"]


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_a_run_with_links_out_or_pipes_is_not_opened(trained_run, tmp_path, kind):
    copy = shutil.copytree(trained_run.path, tmp_path / "digits_mlp" / "run")
    shutil.rmtree(copy / "figures")
    (tmp_path / "elsewhere").mkdir()
    (copy / "figures").symlink_to(tmp_path / "elsewhere") if kind == "link" else os.mkfifo(copy / "figures")
    with pytest.raises(InputError, match=r"figures is (a symbolic link out of|not a regular file)"):
        open_run(RunDirectory(copy))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def saved(folder, function, *specs):
    module = tf.Module()
    module.run = tf.function(function, input_signature=specs)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.run})
    return folder


def test_an_export_of_dlkit_is_safe_and_described(exported):
    found = inspect(exported)
    assert (found.kind, found.safe) == ("saved_model", True)
    endpoint = found.contents["signatures"]["serving_default"]
    assert endpoint["inputs"] == {"inputs": {"dtype": "uint8", "shape": [None, 8, 8, 1]}}
    assert endpoint["outputs"]["probabilities"] == {"dtype": "float", "shape": [None, 10]}
    assert found.contents["operations"]["MatMul"] >= 2


def save_elsewhere(x):
    tf.raw_ops.SaveV2(prefix=x, tensor_names=["a"], shape_and_slices=[""], tensors=[1.0])
    return {"y": x}


def restore_from_elsewhere(x):
    return {"y": tf.raw_ops.RestoreV2(prefix=x, tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32])[0]}


@pytest.mark.parametrize(
    ("operation", "function", "dtype"),
    [
        ("ReadFile", lambda x: {"y": tf.io.read_file(x)}, tf.string),
        ("WriteFile", lambda x: (tf.io.write_file(x, "evil"), {"y": x})[1], tf.string),
        ("MatchingFiles", lambda x: {"y": tf.io.matching_files(x)}, tf.string),
        ("EagerPyFunc", lambda x: {"y": tf.py_function(lambda v: v, [x], tf.float32)}, tf.float32),
        ("PyFunc", lambda x: {"y": tf.numpy_function(lambda v: v, [x], tf.float32)}, tf.float32),
        ("PrintV2", lambda x: (tf.print(x), {"y": x})[1], tf.float32),
        ("SaveV2", save_elsewhere, tf.string),
        ("RestoreV2", restore_from_elsewhere, tf.string),
    ],
)
def test_operations_that_reach_outside_are_named_and_not_loaded(tmp_path, operation, function, dtype):
    folder = saved(tmp_path / "model", function, tf.TensorSpec((), dtype))
    found = inspect(folder)
    assert found.safe is False
    assert all(f"operation {operation} in function" in reason for reason in found.reasons)
    with pytest.raises(CheckError, match=f"was not loaded: operation {operation} in function"):
        check_saved_model(folder)


def changed_graph(exported, folder, change):
    copy = shutil.copytree(exported, folder)
    model = saved_model_pb2.SavedModel()
    model.ParseFromString((copy / "saved_model.pb").read_bytes())
    change(model.meta_graphs[0])
    (copy / "saved_model.pb").write_bytes(model.SerializeToString())
    return copy


def function_named(meta, start):
    return next(item for item in meta.graph_def.library.function if item.signature.name.startswith(start))


def test_tricks_with_the_saver_and_with_assets_are_seen(earlier_export, tmp_path):
    def call_saver(meta):
        save = function_named(meta, "__inference__traced_save").signature.name
        node = next(n for n in meta.graph_def.node if n.attr["f"].func.name.startswith("__inference_signature"))
        node.attr["f"].func.name = save

    def answer_saver(meta):
        output = next(iter(meta.signature_def["serving_default"].outputs.values()))
        output.name = meta.saver_def.save_tensor_name

    def other_file(meta):
        nodes = function_named(meta, "__inference__initializer").node_def
        table = next(node for node in nodes if node.op == "InitializeTableFromTextFileV2")
        table.input[1] = "Const:output:0"

    def other_asset(meta):
        meta.asset_file_def[0].filename = "../../../etc/passwd"

    def unknown(meta):
        meta.graph_def.node[0].op = "CustomOp"

    for number, (change, reason) in enumerate(
        (
            (call_saver, "is called outside the saver"),
            (answer_saver, "endpoint serving_default calls the saver"),
            (other_file, "operation InitializeTableFromTextFileV2 in function __inference__initializer"),
            (other_asset, "asset '../../../etc/passwd' is outside the folder"),
            (unknown, "operation CustomOp in the graph is not allowed"),
        )
    ):
        found = inspect(changed_graph(earlier_export, tmp_path / str(number), change))
        assert any(reason in text for text in found.reasons), (reason, found.reasons)


def test_another_graph_beside_the_checked_one_is_not_overlooked(exported, tmp_path):
    copy = shutil.copytree(exported, tmp_path / "1")
    (copy / "saved_model.cpb").touch()
    assert inspect(copy).reasons == ["saved_model.cpb contains another graph, which is not checked"]


def test_verify_refuses_operations_even_with_fitting_hashes(exported, trained, tmp_path, monkeypatch):
    import hashlib

    copy = changed_graph(exported, tmp_path / "1", lambda meta: setattr(meta.graph_def.node.add(), "op", "ReadFile"))
    certificate = json.loads((copy / "certificate.json").read_text())
    certificate["files"]["saved_model.pb"] = hashlib.sha256((copy / "saved_model.pb").read_bytes()).hexdigest()
    (copy / "certificate.json").write_text(json.dumps(certificate))
    monkeypatch.setattr("dlkit.export.certificate.Reader", lambda *_: pytest.fail("loaded"))
    with pytest.raises(CheckError, match="operation ReadFile in the graph is not allowed"):
        verify(copy, trained)


def test_exit_codes_and_json(dlkit, trained_run, tmp_path):
    code, out, err = dlkit("inspect", trained_run.path / "last.keras", "--json")
    assert (code, err) == (0, "")
    assert set(json.loads(out)) == {"path", "kind", "safe", "reasons", "contents"}
    evil = rewritten(trained_run.path / "last.keras", tmp_path / "x.keras", add("../\x1b[2Jevil"))
    code, out, _ = dlkit("inspect", evil)
    assert code == 1
    assert "NOT SAFE\n  member '../\\x1b[2Jevil' would be written outside its folder" in out
    assert "\x1b" not in out
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "bad.keras").write_text("x")
    for name, message in {
        "notes.txt": "is not an artefact that dlkit recognises",
        "bad.keras": "is not a readable",
    }.items():
        code, out, err = dlkit("inspect", tmp_path / name)
        assert (code, out) == (2, "")
        assert message in err
    with pytest.raises(MissingError):
        inspect(tmp_path / "nothing")


def test_everything_in_a_run_is_inspected(trained_run, tmp_path):
    """Exports, files with endings in capitals, and what a pickle could be."""
    copy = shutil.copytree(trained_run.path, tmp_path / "digits_mlp" / "run")
    assert inspect(copy).reasons == []
    shutil.copy(copy / "last.keras", copy / "figures" / "other.KERAS")
    rewritten(copy / "last.keras", copy / "X.KERAS", with_layer({"class_name": "Lambda", "module": "keras.layers"}))
    (copy / "figures" / "colours.PKL").write_bytes(b"\x80\x04.")

    class Reads(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
        def serve(self, x):
            return {"y": tf.io.read_file(x)}

    module = Reads()
    folder = copy / "exports/saved_model/digits_mlp/7"
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})
    found = inspect(copy)
    assert not found.safe
    assert any("figures/colours.PKL: it is code or a pickle" in reason for reason in found.reasons)
    assert any(reason.startswith("X.KERAS: Lambda contains code") for reason in found.reasons)
    assert any(reason.startswith("exports/saved_model/digits_mlp/7: operation ReadFile") for reason in found.reasons)
    assert {"figures/other.KERAS", "exports/saved_model/digits_mlp/7", "last.keras"} <= set(found.contents["inspected"])


@pytest.mark.parametrize(
    ("module", "name", "config"),
    [
        ("keras.config", "function", "enable_unsafe_deserialization"),
        ("keras.models", "function", "load_model"),
        ("keras.models", "load_model", {}),
        ("keras.datasets.mnist", "function", "load_data"),
        ("keras.applications.vgg16", "VGG16", {}),
        ("keras.applications", "VGG16", {}),
        ("keras", "function", "Sequential"),
        ("keras", "Layer", {}),
        ("keras.layers", "deserialize", {}),
        ("keras.layers", "function", "deserialize"),
        ("builtins", "function", "get"),
        ("builtins", "eval", {}),
        ("builtins", "function", ["x"]),
        ("keras.src.backend.common.global_state", "GlobalState", {}),
        ("keras.src.applications.vgg16", "VGG16", {}),
        ("keras.src.opsx", "X", {}),
        ("dlkit.cli", "main", {}),
    ],
)
@pytest.mark.parametrize(
    "place", ["kernel_initializer", "bias_regularizer", "dtype", "activation", "kernel_constraint"]
)
def test_a_configuration_names_parts_of_a_model_only(trained_run, tmp_path, module, name, config, place):
    part = {"module": module, "class_name": name, "config": config, "registered_name": None}
    layer = {"class_name": "Dense", "module": "keras.layers", "config": {"name": "x", place: {"deep": [part]}}}
    reasons = inspect(rewritten(trained_run.path / "last.keras", tmp_path / "x.keras", with_layer(layer))).reasons
    assert len(reasons) == 1
    assert reasons[0].startswith(f"{name} ")
    assert module in reasons[0]
    assert reasons[0].endswith("is not part of a model")


@pytest.mark.parametrize(
    ("module", "name", "config"),
    [
        ("keras.initializers", "GlorotUniform", {}),
        ("keras.optimizers.schedules", "CosineDecay", {}),
        ("keras.src.models.functional", "Functional", {}),
        ("keras.src.ops.numpy", "Add", {}),
        ("keras", "DTypePolicy", {}),
        ("keras", "Sequential", {}),
        ("builtins", "function", "relu"),
        ("keras.activations", "function", "gelu"),
        ("dlkit.components.layers.scaled_tanh", "ScaledTanh", {}),
        (None, "__keras_tensor__", {}),
    ],
)
def test_parts_of_a_model_are_safe(trained_run, tmp_path, module, name, config):
    part = {"module": module, "class_name": name, "config": config, "registered_name": None}
    assert inspect(rewritten(trained_run.path / "last.keras", tmp_path / "x.keras", with_layer(part))).safe


def test_a_class_that_another_package_registers_and_a_vocabulary_file_are_named(trained_run, tmp_path):
    layer = {"class_name": "StringLookup", "module": "keras.layers", "registered_name": "evil>StringLookup"}
    layer["config"] = {"vocabulary": "/etc/passwd"}
    found = inspect(rewritten(trained_run.path / "last.keras", tmp_path / "x.keras", with_layer(layer)))
    assert found.reasons == [
        "vocabulary names the file /etc/passwd",
        "StringLookup is a custom registered class, evil>StringLookup",
    ]


def test_files_that_their_names_hide_and_damaged_json_are_named(trained_run, tmp_path):
    copy = shutil.copytree(trained_run.path, tmp_path / "digits_mlp" / "run")
    shutil.copy(copy / "last.keras", copy / "figures" / "notes.txt")
    with h5py.File(copy / "weights", "w") as file:
        file["x"] = 1
    (copy / "state").write_bytes(b"\x80\x04K\x01.")
    (copy / "more.tar.gz").write_bytes(b"\x1f\x8b\x08\x00")
    (copy / "metrics.json").write_text("[" * 3000 + "]" * 3000)
    (copy / "environment.json").write_text('{"seed": "one"}')
    os.mkfifo(copy / "history.csv.old")
    reasons = inspect(copy).reasons
    assert reasons[0] == "history.csv.old: it is not a regular file"
    assert {reason for reason in reasons if "under another name" in reason} == {
        "figures/notes.txt: it is a zip archive under another name",
        "weights: it is an HDF5 file under another name",
        "state: it is a pickle under another name",
        "more.tar.gz: it is a gzip archive under another name",
    }
    assert {reason.split(": ")[0] for reason in reasons if "it is unreadable" in reason} == {
        "metrics.json",
        "environment.json",
    }
