"""Results are written before figures are drawn, so that a figure never costs a run."""

import pytest
from PIL import Image

from dlkit.recipe import load_recipe
from dlkit.runs.directory import RunDirectory
from dlkit.training.run import train_recipe

FEW = ["data.limit=100", "training.epochs=1"]


@pytest.fixture
def noting(silent):
    """A reporter that keeps its notes."""

    class Noting(silent):
        def __init__(self):
            super().__init__()
            self.notes = []

        def note(self, text):
            self.notes.append(text)

    return Noting()


def test_a_training_whose_figures_fail_is_finished(tmp_path, noting, monkeypatch):
    written = []

    def fails(name, _):
        (run,) = tmp_path.glob("digits_mlp/*")
        written.append(
            {"metrics.json", "per_class_validation.csv", "last.keras"} - {path.name for path in run.iterdir()}
        )
        raise ValueError(f"no {name}")

    monkeypatch.setattr("dlkit.training.record.curves_figure", fails)
    result = train_recipe(load_recipe("digits_mlp", FEW), tmp_path, noting)
    assert written == [set(), set()]
    assert RunDirectory(result.run.path).finished
    figures = result.run.path / "figures"
    expected = [f"warning: {figures / name}.png was not drawn: no {name}" for name in ("loss", "accuracy")]
    assert [note for note in noting.notes if "drawn" in note] == expected
    assert {path.name for path in figures.iterdir()} == {"confusion_matrix_validation.png", "mistakes_validation.png"}


def test_a_training_draws_all_its_figures(tmp_path, noting, drawn):
    run = train_recipe(load_recipe("digits_mlp", FEW), tmp_path, noting).run
    sizes = {}
    for path in (run.path / "figures").iterdir():
        with Image.open(path) as image:
            sizes[path.name] = image.size
    names = ("loss", "accuracy", "confusion_matrix_validation", "mistakes_validation")
    assert sizes == {f"{name}.png": (1280, 720) for name in names}
    assert [note for note in noting.notes if "drawn" in note] == []
