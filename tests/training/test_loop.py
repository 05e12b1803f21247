"""The loop: resuming anywhere is as if nothing had happened; callbacks, history and checkpoints are right."""

import shutil
import signal
from pathlib import Path

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

from dlkit.errors import CheckError, InputError, MissingError
from dlkit.evaluation.evaluate import evaluate
from dlkit.experiments.reproduce import history
from dlkit.machine.interruption import stop_requests
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.runs.directory import RunDirectory
from dlkit.runs.find import find_run
from dlkit.runs.parents import started_from
from dlkit.training.loop import Training
from dlkit.training.request import TrainingRequest
from dlkit.training.run import resume_run, train_recipe
from dlkit.training.snapshot import FOLDER
from dlkit.training.state import TrainingState

RECIPE = """
recipe: 1
name: kill_me
task: classification
data:
  source: digits
  limit: 300
  validation: {fraction: 0.2}
  augment: [{random_affine: {shift: 0.2, rotation: 0.05}}]
  preprocess: [{Normalization: {axis: null}}, Flatten]
model:
  sequential:
    layers:
      - Dense: {units: 16, activation: relu}
      - BatchNormalization
      - Dropout: {rate: 0.3}
      - Dense: {units: 10, activation: softmax}
training:
  batch_size: 32
  epochs: 5
  seed: 3
  optimizer: {Adam: {learning_rate: {CosineDecay: {initial_learning_rate: 0.01, decay_steps: 60}}}}
  callbacks:
    - EarlyStopping: {monitor: val_loss, patience: 3, restore_best_weights: true}
"""

SPEEDRUN = """
recipe: 1
name: speedrun
task: classification
data: {source: digits, limit: 300, validation: {fraction: 0.2}, augment: [{random_crop: {padding: 1}}]}
model:
  sequential:
    layers:
      - InferenceViews: {shift: 1}
      - PatchWhitening
      - Conv2D:
          filters: 8
          kernel_size: 3
          kernel_initializer: {PartialDirac: {}}
          kernel_constraint: {FrobeniusNorm: {}}
      - BatchNormalization: {scale: false}
      - Flatten
      - Dense: {units: 10, activation: softmax}
      - AverageViews: {views: 6}
training:
  epochs: 3
  optimizer: {ConvMuon: {learning_rate: {OneCycle: {max_learning_rate: 0.1}}, exclude_layers: [dense]}}
"""


@pytest.fixture
def loaded(tmp_path):
    path = tmp_path / "kill_me.yaml"
    path.write_text(RECIPE)
    return load_recipe(path)


def weights(run, name="last.keras"):
    network = keras.models.load_model(run.path / name)
    return [convert_to_numpy(variable) for variable in [*network.weights, *network.optimizer.variables]]


def assert_same(first, second):
    assert history(first) == history(second)
    for name in ("last.keras", "best.keras"):
        for one, other in zip(weights(first, name), weights(second, name), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, silent):
    folder = tmp_path_factory.mktemp("uninterrupted")
    (folder / "kill_me.yaml").write_text(RECIPE)
    return train_recipe(load_recipe(folder / "kill_me.yaml"), folder, silent()).run


def test_two_runs_of_one_recipe_agree(loaded, tmp_path, reporter, uninterrupted):
    assert_same(train_recipe(loaded, tmp_path, reporter).run, uninterrupted)


@pytest.mark.parametrize("stop_after", [8, 20])
def test_a_run_stopped_anywhere_goes_on_bit_identically(loaded, tmp_path, reporter, uninterrupted, stopped, stop_after):
    run = stopped(loaded, tmp_path, reporter, stop_after)
    assert_same(resume_run(loaded, run, type(reporter)()).run, uninterrupted)


def test_the_command_to_go_on_needs_neither_the_recipe_file_nor_its_overrides(loaded, tmp_path, reporter, stopped):
    changed = load_recipe(loaded.path, ["training.epochs=2", "training.seed=4"])
    run = stopped(changed, tmp_path, reporter, 3)
    loaded.path.unlink()
    _, _, recipe, *options = run.resume_command.split()
    assert options == ["--resume", "--run", str(run.path)]
    gone_on = resume_run(load_recipe(recipe), run, type(reporter)())
    assert gone_on.updates == 2 * 8


def test_muon_a_cycle_and_layers_that_adapt_go_on_bit_identically(tmp_path, silent, stopped):
    path = tmp_path / "speedrun.yaml"
    path.write_text(SPEEDRUN)
    loaded = load_recipe(path)
    whole = train_recipe(loaded, tmp_path / "whole", silent()).run
    run = stopped(loaded, tmp_path / "stopped", silent(), 11)
    assert_same(resume_run(loaded, run, silent()).run, whole)


def test_a_lost_snapshot_only_costs_time(loaded, tmp_path, reporter, uninterrupted, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("dlkit.training.state.SNAPSHOT_COST_SHARE", 1e9)
        patch.setattr(TrainingState, "write_products", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            train_recipe(loaded, tmp_path, reporter)
    run = find_run("kill_me", tmp_path, finished=False)
    newest = max((run.path / FOLDER).iterdir())
    newest.write_bytes(newest.read_bytes()[:1000])
    assert_same(resume_run(loaded, run, type(reporter)()).run, uninterrupted)


def test_early_stopping_stops_and_restores(tmp_path, reporter):
    text = RECIPE.replace("epochs: 5", "epochs: 60").replace("patience: 3", "patience: 1, min_delta: 0.05")
    (tmp_path / "kill_me.yaml").write_text(text)
    result = train_recipe(load_recipe(tmp_path / "kill_me.yaml"), tmp_path, reporter)
    rows = history(result.run)
    assert len(rows) < 60
    losses = [float(row["val_loss"]) for row in rows]
    assert losses[-1] > losses[-2] - 0.05


def test_history_has_full_precision_and_the_standard_columns(uninterrupted):
    rows = history(uninterrupted)
    assert list(rows[0]) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"]
    assert [row["epoch"] for row in rows] == [str(number) for number in range(len(rows))]
    assert float(rows[0]["loss"]) > float(rows[-1]["loss"])
    assert len(rows[0]["loss"]) > 12


def test_the_best_checkpoint_is_that_of_the_best_epoch(uninterrupted):
    best = max(float(row["val_accuracy"]) for row in history(uninterrupted))
    found = evaluate(open_run(uninterrupted, "best"), "validation")["accuracy"]
    assert found == pytest.approx(best, abs=1e-6)


AVERAGED = "training.optimizer={Adam: {learning_rate: 0.01, use_ema: true, ema_momentum: 0.9}}"


@pytest.mark.parametrize("callbacks", ["[]", "[SwapEMAWeights]"])
def test_averaged_weights_are_validated_and_kept(loaded, tmp_path, reporter, callbacks):
    loaded = load_recipe(loaded.path, [AVERAGED, "training.epochs=4", f"training.callbacks={callbacks}"])
    run = train_recipe(loaded, tmp_path, reporter).run
    losses = [float(row["val_loss"]) for row in history(run)]
    accuracies = [float(row["val_accuracy"]) for row in history(run)]
    last, best = (evaluate(open_run(run, name), "validation") for name in ("last", "best"))
    assert last["loss"] == pytest.approx(losses[-1], rel=1e-5)
    assert best["accuracy"] == pytest.approx(max(accuracies), abs=1e-6)
    assert best["loss"] == pytest.approx(losses[int(np.argmax(accuracies))], rel=1e-5)


AVERAGED_RECIPE = """
recipe: 1
name: averaged_best
task: classification
data:
  source: digits
  limit: 400
  validation: {fraction: 0.3}
  preprocess: [Rescaling: {scale: 1/16}, Flatten]
model:
  sequential:
    layers: [Dense: {units: 24, activation: relu}, BatchNormalization, Dense: {units: 10, activation: softmax}]
training:
  batch_size: 20
  epochs: 12
  optimizer: {SGD: {learning_rate: 0.4, momentum: 0.9, use_ema: true, ema_momentum: 0.9}}
  callbacks:
    - EarlyStopping: {monitor: val_loss, patience: 3, restore_best_weights: true}
"""


@pytest.mark.parametrize("swaps", ["", "    - SwapEMAWeights\n", "    - SwapEMAWeights: {swap_on_epoch: true}\n"])
def test_what_early_stopping_restores_is_what_was_validated(tmp_path, silent, swaps):
    """Averaged weights with the batch statistics of the same epoch; metrics.json says what these weights reach."""
    path = tmp_path / "averaged_best.yaml"
    path.write_text(AVERAGED_RECIPE + swaps)
    run = train_recipe(load_recipe(path), tmp_path / "runs", silent()).run
    rows = history(run)
    losses = [float(row["val_loss"]) for row in rows]
    best = int(np.argmin(losses))
    assert best < len(rows) - 1  # something is restored
    measured = evaluate(open_run(run), "validation")
    assert measured["loss"] == pytest.approx(losses[best], rel=1e-4)
    stored = run.read_json("metrics.json")["training"]
    assert stored["epoch"] == best
    assert stored["metrics"]["val_loss"] == losses[best]


def test_swapping_in_averages_that_nothing_makes_is_an_error_at_its_line(loaded, tmp_path, reporter):
    stopping = "EarlyStopping: {monitor: val_loss, patience: 3, restore_best_weights: true}"
    loaded.path.write_text(RECIPE.replace(stopping, "SwapEMAWeights"))
    with pytest.raises(InputError, match="SwapEMAWeights needs averaged weights") as caught:
        train_recipe(load_recipe(loaded.path), tmp_path, reporter)
    problem = caught.value.problems[0]
    assert problem.location.line == RECIPE[: RECIPE.index("EarlyStopping")].count("\n") + 1
    assert "use_ema: true" in problem.hint


def test_training_goes_on_from_the_weights_of_another_run(loaded, tmp_path, reporter, uninterrupted):
    run = train_recipe(loaded, tmp_path, reporter, start_from=uninterrupted).run
    assert float(history(run)[0]["loss"]) < float(history(uninterrupted)[0]["loss"]) * 0.8


def test_weights_of_other_shapes_are_named(loaded, tmp_path, reporter, uninterrupted):
    layers = "model.sequential.layers=[Flatten, {Dense: {units: 7}}, {Dense: {units: 10, activation: softmax}}]"
    with pytest.raises(InputError, match=r"the network is not that of the run: .* in the recipe$"):
        train_recipe(load_recipe(loaded.path, [layers, "expect={}"]), tmp_path, reporter, start_from=uninterrupted)


def test_a_run_killed_before_its_first_snapshot_starts_with_the_same_weights_again(
    loaded, tmp_path, silent, uninterrupted, monkeypatch
):
    whole = train_recipe(loaded, tmp_path / "whole", silent(), start_from=uninterrupted).run
    with monkeypatch.context() as patch:
        patch.setattr(Training, "run_to_end", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            train_recipe(loaded, tmp_path / "killed", silent(), start_from=uninterrupted)
    run = find_run("kill_me", tmp_path / "killed", finished=False)
    assert not list(run.path.glob("snapshots/*"))
    assert_same(resume_run(loaded, run, silent()).run, whole)


def killed_at_once(loaded, root, reporter, parent, monkeypatch):
    """A run that started from a parent and was killed before its first snapshot."""
    with monkeypatch.context() as patch:
        patch.setattr(Training, "run_to_end", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            train_recipe(loaded, root, reporter, start_from=parent)
    return find_run("kill_me", root, finished=False)


def test_a_parent_is_found_from_anywhere_or_its_absence_is_an_error(
    loaded, tmp_path, silent, uninterrupted, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    parent = RunDirectory(Path(shutil.copytree(uninterrupted.path, "runs/kill_me/parent")))
    (parent.path / "environment.json").write_text("{}")
    run = killed_at_once(loaded, Path("runs"), silent(), parent, monkeypatch)
    monkeypatch.chdir("/")
    assert started_from(RunDirectory(tmp_path / run.path)).path == tmp_path / parent.path
    (tmp_path / "runs").rename(tmp_path / "moved")
    run = RunDirectory(tmp_path / "moved/kill_me" / run.path.name)
    assert started_from(run).path == tmp_path / "moved/kill_me/parent"
    other = train_recipe(load_recipe(loaded.path, ["training.epochs=1"]), tmp_path / "other", silent()).run
    shutil.copyfile(other.path / "last.keras", tmp_path / "moved/kill_me/parent/last.keras")
    with pytest.raises(CheckError, match="the weights that it started with have changed"):
        resume_run(loaded, run, silent())
    shutil.rmtree(tmp_path / "moved/kill_me/parent")
    with pytest.raises(MissingError, match=r"started with the weights of .*parent, which does not exist"):
        resume_run(loaded, run, silent())


def test_a_finished_run_is_trained_for_more_epochs_as_if_they_had_been_asked_for_at_once(
    loaded, tmp_path, silent, uninterrupted
):
    train_recipe(load_recipe(loaded.path, ["training.epochs=3"]), tmp_path, silent())
    with pytest.raises(MissingError, match="has finished its 3 epochs") as caught:
        TrainingRequest(str(loaded.path), tmp_path, resume=True).resolve()
    assert "--resume --set training.epochs=6" in caught.value.problems[0].hint
    plan = TrainingRequest(str(loaded.path), tmp_path, ["training.epochs=5"], resume=True).resolve()
    run = resume_run(plan.loaded, plan.unfinished, silent()).run
    assert_same(run, uninterrupted)
    assert run.read_json("environment.json")["overrides"] == ["training.epochs=3", "training.epochs=5"]
    assert load_recipe(run.resolved_recipe).recipe.training.epochs == 5


def test_the_file_of_a_csv_logger_continues(loaded, tmp_path, silent, stopped):
    text = loaded.path.read_text().replace("  callbacks:\n", "  callbacks:\n    - CSVLogger: {filename: log.csv}\n")
    (tmp_path / "kill_me.yaml").write_text(text)
    logged = load_recipe(tmp_path / "kill_me.yaml", ["training.epochs=3"])
    whole = train_recipe(logged, tmp_path / "whole", silent()).run
    run = stopped(logged, tmp_path / "stopped", silent(), 20)
    resume_run(logged, run, silent())
    assert len((run.path / "log.csv").read_text().splitlines()) == 4
    assert (run.path / "log.csv").read_text() == (whole.path / "log.csv").read_text()


def test_a_run_that_is_removed_under_its_training_is_an_error_and_not_half_a_run(loaded, tmp_path, silent):
    class Removing(silent):
        def epoch_done(self, epoch, row):
            super().epoch_done(epoch, row)
            if epoch == 0:
                shutil.rmtree(tmp_path / "kill_me")

    with pytest.raises(MissingError, match="was removed or moved while it was in use"):
        train_recipe(loaded, tmp_path, Removing())
    assert not (tmp_path / "kill_me").exists()


def test_a_run_is_not_continued_with_other_data(loaded, tmp_path, reporter, stopped):
    run = stopped(loaded, tmp_path, reporter, 8)
    content = run.read_json("data.json")
    content["fingerprints"]["validation"]["inputs"] = "0" * 64
    run.write_json("data.json", content)
    with pytest.raises(CheckError, match="the validation data differs"):
        resume_run(loaded, run, type(reporter)())


def test_a_finished_run_that_is_resumed_keeps_its_evaluation(loaded, tmp_path, reporter, uninterrupted):
    run = RunDirectory(shutil.copytree(uninterrupted.path, tmp_path / "kill_me" / "run"))
    evaluate(open_run(run), "test")
    before = run.read_json("metrics.json")
    assert resume_run(loaded, run, type(reporter)()).run == run
    assert run.read_json("metrics.json")["evaluation"] == before["evaluation"]


def test_signals_are_requests_and_the_old_handlers_come_back():
    before = signal.getsignal(signal.SIGTERM)
    with stop_requests() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.requested
        assert signal.getsignal(signal.SIGTERM) is before
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_single_neuron_follows_the_deck(tmp_path, reporter):
    """Deck 000: 688 updates, 11 printed losses and 6 printed weights."""
    result = train_recipe(load_recipe("single_neuron"), tmp_path, reporter)
    run = result.run
    losses = [float(row["loss"]) for row in history(run)]
    printed = {
        0: 2.4019401941538843, 1: 2.329520702681356, 2: 2.284788997951755, 3: 2.2504521846307064,
        4: 2.218260766279002, 5: 2.1825972045368642, 6: 2.135130764910242, 7: 2.0569776607674903,
        685: 0.010042452159097071, 686: 0.010016644423407106, 687: 0.009990960773269853,
    }  # fmt: skip
    assert len(losses) == 688
    np.testing.assert_allclose([losses[epoch] for epoch in printed], list(printed.values()), rtol=1e-12)
    network = keras.models.load_model(run.path / "last.keras")
    (w1, w2), w0 = np.ravel(convert_to_numpy(network.weights[0])), convert_to_numpy(network.weights[1])[0]
    final = [-4.7664440430506545, -4.193920379177114, 5.452505839107012]
    np.testing.assert_allclose([w0, w1, w2], final, rtol=1e-12)
    weights, samples = result.learned["weights"], result.learned["samples"]
    shown = [weights[1]["values"][0], *np.ravel(weights[0]["values"])]
    np.testing.assert_allclose(shown, final, rtol=1e-12)
    assert (len(samples), all(sample["right"] for sample in samples)) == (12, True)
    first = 1 / (1 + np.exp(-(w0 + 2 * w1 + 4 * w2)))
    assert (samples[0]["input"], samples[0]["target"]) == ([2, 4], 1)
    np.testing.assert_allclose(samples[0]["output"], [first], rtol=1e-9)


def test_the_single_neuron_after_one_update(tmp_path, reporter):
    run = train_recipe(load_recipe("single_neuron", ["training.epochs=1"]), tmp_path, reporter).run
    network = keras.models.load_model(run.path / "last.keras")
    (w1, w2), w0 = np.ravel(convert_to_numpy(network.weights[0])), convert_to_numpy(network.weights[1])[0]
    np.testing.assert_allclose([w0, w1, w2], [-8.010284377556651, 0.9102333729710631, 1.391632618150986], rtol=1e-12)
