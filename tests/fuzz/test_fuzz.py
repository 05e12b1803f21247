"""A few hundred mutated inputs on every test run: an answer or a DlkitError, quickly, and no file outside its place."""

import campaigns
import mutators


def test_mutated_recipes(tmp_path):
    result = campaigns.recipes(300, tmp_path)
    assert result.violations == []
    assert result.outcomes["refused"] + result.outcomes["accepted"] == 300
    assert result.outcomes["refused"] > 150
    assert result.outcomes["accepted"] > 20


def test_mutated_recipes_on_the_command_line(tmp_path, monkeypatch):
    monkeypatch.delenv("DLKIT_DEBUG", raising=False)
    result = campaigns.command_lines(20, tmp_path, seed="command line")
    assert result.violations == []
    assert sum(result.outcomes.values()) == 20


def test_mutated_images(tmp_path):
    result = campaigns.images(100, tmp_path)
    assert result.violations == []
    assert result.outcomes["refused"] > 30
    assert result.outcomes["accepted"] > 5


def test_mutated_runs(trained_run, tmp_path):
    result = campaigns.runs(30, trained_run.path, tmp_path)
    assert result.violations == []
    assert sum(result.outcomes.values()) == 60  # each is opened and inspected
    assert result.outcomes["refused"] > 10


def test_mutations_are_repeatable_and_change_something():
    text = campaigns.texts()[0]
    first, again = ([mutators.recipe(campaigns.Campaign(0).random(n), text) for n in range(30)] for _ in range(2))
    assert first == again
    assert sum(content != text.encode() for content in first) >= 24


def test_violations_are_seen():
    campaign = campaigns.Campaign(0)

    def broken():
        raise KeyError("x")

    campaign.run(7, broken)
    assert campaign.outcomes == {"failed": 1}
    assert campaign.violations[0].startswith("7: KeyError: 'x' at ")


def test_changed_graphs(trained_run, tmp_path):
    """Every copy is refused, or computes without reaching the file that its change names."""
    result = campaigns.graphs(60, trained_run.path, tmp_path)
    assert result.violations == []
    assert result.outcomes["refused"] > 30


def test_mutated_data(tmp_path):
    accepted = 0
    for campaign, count in (
        (campaigns.tables, 150),
        (campaigns.arrays, 60),
        (campaigns.masks, 15),
        (campaigns.folders, 30),
    ):
        result = campaign(count, tmp_path)
        assert result.violations == []
        assert result.outcomes["refused"] >= count / 10
        accepted += result.outcomes["accepted"]
    assert accepted > 20


def test_mutated_artefacts(trained_run, tmp_path):
    result = campaigns.artefacts(100, trained_run.path, tmp_path)
    assert result.violations == []
    assert result.outcomes["refused"] > 20
