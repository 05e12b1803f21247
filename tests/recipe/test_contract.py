"""The contract: counts, rows and metric bounds."""

import pytest

from dlkit.recipe.contract import changes_counts, check_metrics, check_table, is_overridden
from dlkit.recipe.schema import Expect

ROWS = [("Dense", [32], 2080), ("Dropout", [32], 0), ("Dense", [10], 330)]
COUNTS = {"total": 2410, "trainable": 2410, "non_trainable": 0}


def expect(**content):
    return Expect.model_validate(content)


def test_nothing_expected_nothing_differs():
    assert check_table(Expect(), COUNTS, ROWS) == []


def test_equal_tables():
    layers = [["Dense", [32], 2080], ["Dropout", [32], 0], ["Dense", [10], 330]]
    assert check_table(expect(parameters=COUNTS, layers=layers), COUNTS, ROWS) == []


def test_differing_counts_are_all_named():
    found = check_table(expect(parameters={"total": 2411, "trainable": 2400}), COUNTS, ROWS)
    assert found == [
        "total parameters: expected 2,411, found 2,410",
        "trainable parameters: expected 2,400, found 2,410",
    ]


def test_the_first_differing_row_is_named():
    layers = [["Dense", [32], 2080], ["Dropout", [31], 0], ["Dense", [11], 363]]
    assert check_table(expect(layers=layers), COUNTS, ROWS) == [
        "row 2: expected [Dropout, [31], 0], found [Dropout, [32], 0]"
    ]


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (2, "rows: expected 2, found 3; row 3 [Dense, [10], 330] is not in the contract"),
        (4, "rows: expected 4, found 3; row 4 [Softmax, [None, 10], 0] is missing"),
    ],
)
def test_missing_and_surplus_rows(count, said):
    layers = [*([name, shape, number] for name, shape, number in ROWS), ["Softmax", [None, 10], 0]][:count]
    assert check_table(expect(layers=layers), COUNTS, ROWS) == [said]


@pytest.mark.parametrize(
    ("bound", "value", "passed"),
    [
        ({"at_least": 0.9}, 0.9, True),
        ({"at_least": 0.9}, 0.8999, False),
        ({"at_most": 0.1}, 0.1, True),
        ({"at_most": 0.1}, 0.11, False),
        ({"at_least": 0.1, "at_most": 0.2}, 0.3, False),
        ({"at_least": 0.9}, float("nan"), False),
        ({"at_least": 0.9}, None, False),
        ({"lecture": 0.98}, 0.5, None),
    ],
)
def test_bounds(bound, value, passed):
    measured = {} if value is None else {"accuracy": value}
    [verdict] = check_metrics(expect(metrics={"accuracy": bound}), measured, overridden=False)
    assert verdict.passed is passed


def test_a_verdict_says_what_was_found_and_expected():
    [verdict] = check_metrics(
        expect(metrics={"accuracy": {"at_least": 0.9, "lecture": 0.98}}), {"accuracy": 0.8}, False
    )
    assert str(verdict) == "accuracy is 0.8, expected at least 0.9"
    assert verdict.lecture == 0.98


def test_bounds_are_not_checked_when_overridden():
    [verdict] = check_metrics(expect(metrics={"accuracy": {"at_least": 0.9}}), {"accuracy": 0.1}, overridden=True)
    assert (verdict.passed, verdict.reason) == (None, "not checked: overridden")


@pytest.mark.parametrize(
    ("overrides", "decisive"),
    [
        ([], False),
        (["name=other"], False),
        (["expect.split=validation"], False),
        (["training.epochs=1"], True),
        (["name=x", "data.limit=100"], True),
        (["task=regression"], True),
        (["model.sequential.layers.0=Flatten"], True),
    ],
)
def test_is_overridden(overrides, decisive):
    assert is_overridden(overrides) is decisive


def test_a_verdict_says_value_and_both_bounds():
    (verdict,) = check_metrics(
        expect(metrics={"accuracy": {"at_least": 0.25, "at_most": 0.75}}), {"accuracy": 0.8}, False
    )
    assert verdict.passed is False
    assert str(verdict).endswith("at least 0.25 and at most 0.75")


def test_overrides_that_may_change_the_counts_are_named():
    given = ["model.sequential.layers.0.Dense.units=65", "training.epochs=3", "training.trainable=[head]"]
    changed = changes_counts(given)
    assert changed == "--set model.sequential.layers.0.Dense.units=65, --set training.trainable=[head]"
    assert changes_counts(["training.epochs=3", "task=regression"]) == ""
