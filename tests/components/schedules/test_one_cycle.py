"""OneCycle's rates, and that it spans the training it is given to."""

import keras
import pytest

from dlkit.components.schedules.one_cycle import OneCycle
from dlkit.errors import CheckError, RecipeError
from dlkit.recipe import load_recipe
from dlkit.training.run import resume_run, train_recipe

RECIPE = """
recipe: 1
name: cycle
task: classification
data: {source: digits, limit: 320, preprocess: [Flatten]}
model: {sequential: {layers: [{Dense: {units: 10, activation: softmax}}]}}
training:
  batch_size: 32
  epochs: 4
  optimizer: {SGD: {learning_rate: {OneCycle: {max_learning_rate: 0.08, decay: linear}}}}
"""


def rates(**settings):
    schedule = OneCycle(max_learning_rate=0.8, total_steps=40, **settings)
    return [round(float(schedule(step)), 6) for step in (0, 5, 10, 25, 40, 50)]


def test_up_in_a_line_and_down_along_a_cosine():
    assert rates(initial_learning_rate=0.2) == [0.2, 0.5, 0.8, 0.4, 0.0, 0.0]
    assert rates()[3:5] == [0.4, 0.0]
    quarter = OneCycle(max_learning_rate=0.8, total_steps=40)(17.5)
    assert float(quarter) == pytest.approx(0.8 * (1 + 2**-0.5) / 2)


def test_down_in_a_line():
    assert rates(decay="linear", final_learning_rate=0.2) == [0.0, 0.4, 0.8, 0.5, 0.2, 0.2]


def test_without_steps_it_says_so():
    with pytest.raises(ValueError, match="total_steps"):
        OneCycle(max_learning_rate=0.1)(0)


def test_its_settings_survive_saving():
    schedule = OneCycle(max_learning_rate=0.8, warmup=0.1, decay="linear", total_steps=7)
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    assert again.get_config() == schedule.get_config()


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "cycle.yaml"
    file.write_text(RECIPE)
    return file


def trained(path, reporter, overrides=()):
    run = train_recipe(load_recipe(path, overrides), path.parent / "runs", reporter).run
    rows = (run.path / "history.csv").read_text().splitlines()
    column = rows[0].split(",").index("learning_rate")
    return run, [float(row.split(",")[column]) for row in rows[1:]]


def test_a_cycle_spans_the_training_whatever_its_epochs(path, reporter):
    assert trained(path, reporter)[1] == pytest.approx([0.08, 0.08 * 2 / 3, 0.08 / 3, 0.0], abs=1e-8)
    assert trained(path, reporter, ["training.epochs=2"])[1] == pytest.approx([0.08 * 2 / 3, 0.0], abs=1e-8)


def test_every_phase_has_a_cycle_of_its_own(path, reporter):
    phases = "training.phases=[{epochs: 2}, {epochs: 1}]"
    assert trained(path, reporter, [phases])[1] == pytest.approx([0.08 * 2 / 3, 0.0, 0.0], abs=1e-8)


def test_a_cycle_cannot_be_made_longer_halfway(path, reporter):
    run, _ = trained(path, reporter)
    with pytest.raises(CheckError, match=r"training\.epochs was 4, is 5"):
        resume_run(load_recipe(path, ["training.epochs=5"]), run, reporter)


def test_a_typing_mistake_is_found_in_the_recipe(path):
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, ["training.optimizer.SGD.learning_rate.OneCycle.decay=lienar"])
    assert "linear" in caught.value.problems[0].hint
