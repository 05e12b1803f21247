"""Evaluation: the figures are those that plain NumPy gives, and the run's files say the same."""

import csv
import json
import shutil

import numpy as np
import pytest

from dlkit.components.datasets.digits import Digits
from dlkit.errors import InputError, MissingError
from dlkit.evaluation.evaluate import evaluate
from dlkit.evaluation.examine import Examiner
from dlkit.files.atomic import PREFIX
from dlkit.model.splits import read_split
from dlkit.model.trained import open_run
from dlkit.runs.directory import RunDirectory


@pytest.fixture(scope="module")
def trained(trained_run, tmp_path_factory):
    """A copy of the run, which the tests write into."""
    copy = tmp_path_factory.mktemp("evaluated") / trained_run.path.parent.name / trained_run.path.name
    return open_run(RunDirectory(shutil.copytree(trained_run.path, copy)))


def test_metrics_table_and_files_agree_with_numpy(trained, drawn):
    metrics = evaluate(trained, "test")
    test = Digits().load("test", None)
    probabilities = np.concatenate(
        [batch.outputs["probabilities"] for batch in Examiner(trained.built, trained.loaded.recipe, test).batches()]
    )
    predicted = probabilities.argmax(axis=1)
    right = probabilities[np.arange(len(test)), test.targets]
    assert metrics["accuracy"] == pytest.approx(np.mean(predicted == test.targets), abs=1e-6)
    assert metrics["loss"] == pytest.approx(-np.log(right).mean(), rel=1e-4)
    stored = json.loads((trained.run.path / "metrics.json").read_text())["evaluation"]["test"]
    assert stored == {"checkpoint": "last", "metrics": metrics}
    with (trained.run.path / "per_class_test.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["class"] for row in rows] == [str(digit) for digit in range(10)]
    assert [int(row["support"]) for row in rows] == np.bincount(test.targets).tolist()
    recall = np.mean(predicted[test.targets == 3] == 3)
    assert float(rows[3]["recall"]) == pytest.approx(recall)
    assert (trained.run.path / "figures" / "confusion_matrix_test.png").stat().st_size > 5_000


def test_what_a_killed_evaluation_left_is_removed_and_one_at_work_is_not_disturbed(trained):
    abandoned = trained.run.path / "figures" / f"{PREFIX}x.png"
    abandoned.write_bytes(b"half a picture")
    evaluate(trained, "test")
    assert not abandoned.exists()
    stored = (trained.run.path / "metrics.json").read_bytes()
    with trained.run.locked(), pytest.raises(InputError, match="another process is using"):
        evaluate(trained, "validation")
    assert (trained.run.path / "metrics.json").read_bytes() == stored


def test_a_figure_that_fails_costs_a_warning(trained, dlkit, monkeypatch):
    def fails(*_):
        raise ValueError("ParseSyntaxException: Expected \\frac{num}{den}")

    monkeypatch.setattr("dlkit.components.tasks.classification.confusion_matrix_figure", fails)
    done = dlkit("evaluate", trained.run.path, "--split", "validation", "--json")
    assert done.code == 0
    assert json.loads(done.out)["metrics"]["accuracy"] > 0.5
    path = trained.run.path / "figures" / "confusion_matrix_validation.png"
    assert f"warning: {path} was not drawn: ParseSyntaxException: Expected \\frac{{num}}{{den}}\n" in done.error
    assert "validation" in json.loads((trained.run.path / "metrics.json").read_text())["evaluation"]


def test_the_worst_mistakes_are_kept_as_a_picture(trained, drawn):
    evaluate(trained, "test")
    assert (trained.run.path / "figures" / "mistakes_test.png").stat().st_size > 5_000


def test_validation_is_what_training_held_out(trained):
    validation, train = (read_split(trained, split) for split in ("validation", "train"))
    rows = {bytes(image.tobytes()) for image in train.inputs}
    assert len(validation) + len(train) == 1437
    assert sum(image.tobytes() in rows for image in validation.inputs) == 0


def test_a_split_that_is_not_there_is_named(trained):
    with pytest.raises(InputError, match="no split 'dev'"):
        read_split(trained, "dev")


def test_a_damaged_checkpoint_is_named(trained_run, tmp_path):
    import shutil

    copy = shutil.copytree(trained_run.path, tmp_path / "digits_mlp" / "run")
    (copy / "last.keras").write_bytes((copy / "last.keras").read_bytes()[:2000])
    with pytest.raises(InputError, match=r"last\.keras does not contain this network's weights"):
        open_run(RunDirectory(copy))


def test_an_unfinished_run_says_how_to_go_on(trained_run, tmp_path):
    import shutil

    copy = shutil.copytree(trained_run.path, tmp_path / "digits_mlp" / "run")
    (copy / "last.keras").unlink()
    with pytest.raises(MissingError, match="has no checkpoint yet") as caught:
        open_run(RunDirectory(copy))
    assert "--resume" in caught.value.problems[0].hint
