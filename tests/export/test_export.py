"""Exports give the run's answers in a clean process, and every tampering is seen."""

import json
import shutil
import zipfile
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.components.datasets.digits import Digits
from dlkit.components.exporters.saved_model import SavedModel
from dlkit.errors import CheckError, InputError, MissingError
from dlkit.evaluation.evaluate import evaluate
from dlkit.export.compare import Request, compare, tied_labels
from dlkit.export.export import export, verify
from dlkit.export.stored import artefact_folder, load_samples
from dlkit.interfaces.exporter import Tolerance
from dlkit.interfaces.task import TargetSpec
from dlkit.model.trained import open_run


@pytest.fixture(scope="module")
def trained(trained_run):
    return open_run(trained_run)


@pytest.fixture(scope="module")
def exported(exported_run):
    return exported_run


def test_the_certificate_says_what_was_compared(exported):
    path, certificate = exported
    assert certificate["passed"] is True
    assert certificate["samples"] == 64
    assert certificate["label_agreement"] == 1.0
    assert 0 <= certificate["largest_absolute_difference"] <= 1e-5
    assert set(certificate["checks"]) == {"serving_default on samples", "serve_encoded on samples"}
    assert json.loads((path / "certificate.json").read_text()) == certificate
    assert path.name == "1"
    assert path.parent.name == "digits_mlp"


def test_tensorflow_alone_gives_the_same_test_accuracy_from_raw_pixels(exported, trained):
    test = Digits().load("test", None)
    model = tf.saved_model.load(str(exported[0]))
    outputs = model.signatures["serving_default"](inputs=tf.constant(test.inputs))
    labels = outputs["label"].numpy().astype(str)
    accuracy = np.mean(labels == test.targets.astype(str))
    assert accuracy == pytest.approx(evaluate(trained, "test")["accuracy"], abs=1e-6)
    encoded = [tf.io.encode_png(image).numpy() for image in test.inputs[:7]]
    again = model.signatures["serve_encoded"](encoded=tf.constant(encoded))
    np.testing.assert_allclose(again["probabilities"], outputs["probabilities"][:7], atol=1e-6)


def test_an_encoded_image_of_another_size_is_an_error(exported):
    model = tf.saved_model.load(str(exported[0]))
    large = tf.io.encode_png(np.zeros((9, 8, 1), np.uint8))
    with pytest.raises(tf.errors.InvalidArgumentError):
        model.signatures["serve_encoded"](encoded=tf.constant([large.numpy()]))


def test_a_second_export_is_the_next_version(trained, tmp_path, reload_here):
    for version in ("1", "2"):
        path, _ = export(trained, "saved_model", tmp_path)
        assert path.name == version
    assert artefact_folder(tmp_path / "digits_mlp").name == "2"


def test_an_untouched_artefact_is_verified(exported, trained):
    assert verify(exported[0], trained)["passed"] is True


def change_json(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def flip_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("variables/variables.data-00000-of-00001", "variables.data-00000-of-00001 was changed"),
        ("saved_model.pb", "saved_model.pb was changed"),
        ("class_names.json", "class_names.json was changed"),
    ],
)
def test_a_changed_file_fails(exported, trained, tmp_path, name, message):
    copy = shutil.copytree(exported[0], tmp_path / "1")
    flip_byte(copy / name)
    with pytest.raises(CheckError, match=message):
        verify(copy, trained)


def test_a_missing_or_added_file_fails(exported, trained, tmp_path):
    copy = shutil.copytree(exported[0], tmp_path / "1")
    (copy / "extra").write_text("x")
    (copy / "class_names.json").unlink()
    with pytest.raises(CheckError, match=r"class_names\.json is missing; extra was added"):
        verify(copy, trained)


def test_an_artefact_of_other_weights_fails_even_with_a_certificate_of_its_own(
    exported, trained, tmp_path, reload_here
):
    copy = shutil.copytree(exported[0], tmp_path / "1")
    kernel = trained.built.network.layers[1].kernel
    before = keras.ops.convert_to_numpy(kernel).copy()
    try:
        kernel.assign(before * 1.01)
        with pytest.raises(CheckError, match="differs from its run"):
            verify(copy, trained)
    finally:
        kernel.assign(before)


def test_exports_of_earlier_versions_are_verified(earlier_export, trained, reload_here):
    assert (earlier_export / "assets" / "class_names.txt").read_text().splitlines() == list(map(str, range(10)))
    assert verify(earlier_export, trained)["passed"] is True


NAMES = ("two\nlines", "", " leading", "a\x1b[31m", "\u732b", "$a_$b", "b" * 300, "\U0001f41d", "[red]", "end\n")


def test_class_names_of_any_characters_are_served_as_they_are(trained, tmp_path, reload_here):
    """A line break in a name once moved all names after it by one class."""
    named = replace(trained, built=replace(trained.built, targets=TargetSpec((10,), NAMES)))
    path, certificate = export(named, "saved_model", tmp_path)
    assert certificate["label_agreement"] == 1.0
    samples = trained.built.samples(load_samples(trained.run))
    answer = tf.saved_model.load(str(path)).signatures["serving_default"](inputs=tf.constant(samples))
    best = answer["probabilities"].numpy().argmax(axis=-1)
    assert set(best) == set(range(10))
    assert [label.decode() for label in answer["label"].numpy()] == [NAMES[index] for index in best]
    assert json.loads((path / "class_names.json").read_text()) == list(NAMES)
    assert not (path / "assets").exists() or not any((path / "assets").iterdir())


def test_a_changed_class_name_fails_even_with_fitting_hashes(earlier_export, trained, tmp_path, reload_here):
    import hashlib

    copy = shutil.copytree(earlier_export, tmp_path / "1")
    names = copy / "assets" / "class_names.txt"
    names.write_text(names.read_text().replace("7", "seven"))
    fresh = hashlib.sha256(names.read_bytes()).hexdigest()
    change_json(copy / "certificate.json", lambda content: content["files"].update({"assets/class_names.txt": fresh}))
    with pytest.raises(CheckError, match="labels agree on"):
        verify(copy, trained)


def test_damaged_certificates_and_strange_folders_are_named(exported, trained, tmp_path):
    with pytest.raises(InputError, match=r"has no certificate\.json"):
        verify(tmp_path, trained)
    copy = shutil.copytree(exported[0], tmp_path / "1")
    (copy / "certificate.json").write_text("{")
    with pytest.raises(CheckError, match="is damaged"):
        verify(copy, trained)


def test_a_failed_export_leaves_nothing(trained, tmp_path, monkeypatch, reload_here):
    monkeypatch.setattr(SavedModel, "tolerance", Tolerance(absolute=-1.0, relative=0.0))
    with pytest.raises(CheckError, match="the exported saved_model differs from the run"):
        export(trained, "saved_model", tmp_path)
    assert list((tmp_path / "digits_mlp").iterdir()) == []


def test_a_run_without_samples_is_named(trained_run, tmp_path):
    copy = shutil.copytree(trained_run.path, tmp_path / "digits_mlp" / "run")
    (copy / "samples.npz").unlink()
    from dlkit.runs.directory import RunDirectory

    with pytest.raises(MissingError, match=r"samples\.npz is missing"):
        export(open_run(RunDirectory(copy)), "saved_model")


def test_samples_that_would_fill_the_memory_are_refused(trained_run, tmp_path):
    """300 MB of zeros take 0.3 MB of a file."""
    from dlkit.runs.directory import RunDirectory

    copy = shutil.copytree(trained_run.path, tmp_path / "digits_mlp" / "run")
    with (
        zipfile.ZipFile(copy / "samples.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("inputs.npy", "w") as file,
    ):
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (300_000_000,)})
        for _ in range(300):
            file.write(bytes(1_000_000))
    with pytest.raises(InputError, match=r"not safe to open: it unpacks to [\d,]+ times its size"):
        export(open_run(RunDirectory(copy)), "saved_model", tmp_path)


def test_every_endpoint_is_compared_by_itself(exported, trained, monkeypatch, reload_here):
    """Answers of one endpoint must not stand for those of another."""
    from dlkit.export import certificate
    from dlkit.export.reader import Reader

    plain = Reader.answers

    def shifted(*given):
        answers = plain(*given)
        return {
            key: value + 1 if key[0] == "0" and value.dtype.kind == "f" else value for key, value in answers.items()
        }

    monkeypatch.setattr(Reader, "answers", shifted)
    found = certificate.certify(trained, "saved_model", exported[0], None)
    assert found["passed"] is False
    assert [check["passed"] for check in found["checks"].values()].count(True) == len(found["checks"]) - 1


def test_a_path_that_looks_like_a_pattern_is_a_path(trained, tmp_path, reload_here):
    folder = tmp_path / "runs [old] {1} *?"
    path, certificate = export(trained, "saved_model", folder)
    assert certificate["passed"]
    assert (path / "variables" / "variables.index").is_file()
    assert verify(path, trained)["passed"]


def test_half_precisions_have_tolerances_of_their_own_which_the_certificate_says(places, reporter, tmp_path):
    from dlkit.recipe import load_recipe
    from dlkit.training.run import train_recipe

    overrides = ["training.epochs=1", "training.precision=mixed_bfloat16"]
    run = train_recipe(load_recipe("digits_mlp", overrides), tmp_path / "runs", reporter).run
    _, certificate = export(open_run(run), "saved_model", tmp_path)
    assert certificate["precision"] == "mixed_bfloat16"
    assert certificate["tolerance"] == {"absolute": 4 * 2**-8, "relative": 4 * 2**-8}
    assert certificate["passed"]
    assert Tolerance().at("float32") == Tolerance().at("float64") == Tolerance()
    assert Tolerance().at("mixed_float16").absolute == 4 * 2**-11


def test_labels_may_differ_only_where_the_best_scores_aretied_labels():
    scores = np.array([[0.5, 0.5, 0.0], [0.6, 0.3, 0.1]])
    assert tied_labels(scores, Tolerance()).tolist() == [True, False]
    labels = np.array([b"a", b"a"])
    request = Request("samples/serve/x", scores, {"label": labels}, tied_labels(scores, Tolerance()))
    for answer, passed in (([b"b", b"a"], True), ([b"a", b"b"], False)):
        answers = {f"0/{turn}/label": np.array(answer) for turn in range(4)}
        assert compare(0, request, answers, Tolerance())["passed"] is passed
