"""What histories and counts say by themselves."""

import numpy as np
import pytest

from dlkit.diagnosis.of_record import diverged, missing_class, trained_too_long
from dlkit.diagnosis.record import Record
from dlkit.runs.directory import RunDirectory


@pytest.fixture
def record(tmp_path):
    """A run with a history and the loss before its first step."""

    def made(first=2.3, counts=None, **columns):
        run = RunDirectory(tmp_path)
        run.write_csv(
            "history.csv", [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        )
        run.write_json("metrics.json", {"training": {"first_step": {"loss": first}, "updates": 1}})
        names = list(counts or {})
        run.write_json(
            "data.json", {"description": {"class_names": names}, "class_counts": list((counts or {}).values())}
        )
        return Record(run)

    return made


def test_a_loss_far_above_the_first_is_a_rate_that_is_too_high(record):
    found = diverged(record(loss=[230.0, 12.0, 2.4]))
    assert found.kind == "learning_rate_too_high"
    assert found.evidence == ("the loss was 2.3 before the first step and 230 in epoch 0",)


@pytest.mark.parametrize("losses", [[2.0, 1.0, 0.5], [2.9, 1.0, 0.1], [4.0, 1.0, 0.2]])
def test_a_loss_that_falls_or_recovers_is_not(record, losses):
    assert diverged(record(loss=losses)) is None


def test_a_training_that_ended_with_nan_diverged(tmp_path):
    (tmp_path / "faults").mkdir()
    assert diverged(Record(RunDirectory(tmp_path))).kind == "learning_rate_too_high"


def test_a_validation_loss_that_doubles_while_train_falls_is_overfitting(record):
    epochs = np.arange(20)
    found = trained_too_long(record(loss=0.9**epochs, val_loss=0.5 + 0.05 * np.abs(epochs - 4)))
    assert found.kind == "overfitting"
    assert found.evidence[0] == "val_loss was lowest in epoch 4 with 0.5, and 1.2 at the end"


@pytest.mark.parametrize("rise", [0.0, 0.008])
def test_a_validation_loss_that_stays_is_not(record, rise):
    epochs = np.arange(20)
    assert trained_too_long(record(loss=0.9**epochs, val_loss=0.5 + rise * epochs)) is None


def test_a_class_without_examples_is_named(record):
    found = missing_class(record(loss=[1.0], counts={"cat": 5, "dog": 0}))
    assert (found.kind, "dog" in found.says) == ("missing_class", True)
    assert missing_class(record(loss=[1.0], counts={"cat": 5, "dog": 4})) is None
    assert missing_class(record(loss=[1.0])) is None
