"""The runs that a recipe names are found where the user's runs are, also by the trainings of a search or sweep."""

import pytest

from dlkit.errors import MissingError
from dlkit.process import SOURCES, child_environment
from dlkit.runs.parents import find_source, find_teacher


def test_children_find_the_runs_of_their_parent(trained_run, tmp_path, monkeypatch):
    passed_on = child_environment(7)[SOURCES]
    monkeypatch.setenv("DLKIT_RUNS", str(tmp_path))  # the folder of one trial
    for find in (find_teacher, find_source):
        with pytest.raises(MissingError, match="cannot find the run 'digits_mlp'"):
            find("digits_mlp")
    monkeypatch.setenv(SOURCES, passed_on)
    assert find_teacher("digits_mlp").recipe_name == trained_run.recipe_name
    assert child_environment(7)[SOURCES] == passed_on  # and so do theirs
