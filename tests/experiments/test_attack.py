"""attack: what counts as a success is measured on the pictures that were saved."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from dlkit.errors import CheckError
from dlkit.experiments import gradient_attack, pixel_attack
from dlkit.experiments.attack import Attack, interval, run_attack, scores, summary
from dlkit.experiments.cross_entropy import cross_entropies
from dlkit.experiments.pixel_attack import Search, changed
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.training.run import train_recipe

SMALL = Attack(images=6, search=Search(pixels=1, population=30, generations=4))


def picture(path):
    with Image.open(path) as image:
        pixels = np.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def attacked(trained, attack):
    attempts = []
    return run_attack(trained, attack, attempts.append), attempts


@pytest.mark.parametrize("pixels", [1, 3])
def test_every_success_changes_at_most_so_many_pixels_of_the_saved_picture(tiny, pixels):
    attack = replace(SMALL, search=Search(pixels=pixels, population=40, generations=6))
    result, _ = attacked(tiny, attack)
    folder = Path(result["file"]).parent
    assert folder.parent == tiny.run.path / "attacks"
    assert json.loads((folder / "attack.json").read_text())["attempts"] == result["attempts"]
    score, names = scores(tiny), tiny.built.class_names
    successes = 0
    for attempt in result["attempts"]:
        before, after = (picture(folder / attempt[key]) for key in ("original", "attacked"))
        rows, columns = np.nonzero((before != after).any(-1))
        assert len(rows) == attempt["pixels_changed"] <= pixels
        listed = [(pixel["row"], pixel["column"]) for pixel in attempt["pixels"]]
        assert listed == list(zip(rows, columns, strict=True))
        one, other = score(np.stack([before, after]))
        assert names[one.argmax()] == attempt["class"]
        assert names[other.argmax()] == attempt["predicted"]
        assert other.max() == pytest.approx(attempt["new_confidence"], abs=1e-6)
        assert attempt["success"] == (attempt["predicted"] != attempt["class"])
        successes += attempt["success"]
        if attempt["success"] and pixels == 1:
            assert len(rows) == 1
    assert result["successes"] == successes
    assert result["rate"] == successes / 6
    if pixels == 3:
        assert successes  # a net of two epochs is easily fooled with three pixels of 64


def test_an_interrupted_attack_continues_to_the_same_result(tiny, tiny_run, tmp_path):
    import shutil

    from dlkit.runs.directory import RunDirectory

    copy = RunDirectory(tmp_path / "tiny_cnn" / "run")
    shutil.copytree(tiny_run.path, copy.path, ignore=shutil.ignore_patterns("attacks"))
    trained = open_run(copy)
    whole, _ = attacked(trained, SMALL)
    shutil.rmtree(copy.path / "attacks")

    def stop(attempt):
        if (copy.path / "attacks").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_attack(trained, SMALL, stop)
    again, attempts = attacked(trained, SMALL)
    assert len(attempts) == 5
    assert again["attempts"] == whole["attempts"]
    _, attempts = attacked(trained, replace(SMALL, seed=1, images=2))
    assert len(attempts) == 2  # other settings have results of their own
    assert len(list((copy.path / "attacks").iterdir())) == 2
    bias = trained.built.network.layers[-1].bias
    bias.assign(bias + 0.001)
    _, attempts = attacked(trained, SMALL)
    assert len(attempts) == 6  # and so have other weights, such as those of a training that was continued
    known = copy.read_json("data.json")
    known["fingerprints"]["validation"]["examples"] += 1
    copy.write_json("data.json", known)
    with pytest.raises(CheckError, match="the validation data differs"):
        attacked(trained, SMALL)


def test_a_targeted_attack_aims_at_other_classes_and_counts_only_those(tiny):
    _, attempts = attacked(tiny, replace(SMALL, images=2, targets=3))
    assert len(attempts) == 6
    for attempt in attempts:
        assert attempt["target"] != attempt["class"]
        assert attempt["success"] == (attempt["predicted"] == attempt["target"])
    assert len({(attempt["example"], attempt["target"]) for attempt in attempts}) == 6


def test_a_targeted_attack_raises_the_probability_of_its_target_and_an_untargeted_one_lowers_that_of_the_truth(tiny):
    score, image = scores(tiny), np.asarray(tiny_image(tiny))
    before = score(image[None])[0]
    truth, search = int(before.argmax()), Search(population=20, generations=3)
    for target in np.argsort(before)[-4:-1]:
        found, _ = pixel_attack.attack(image, truth, int(target), score, search, 5)
        assert score(found[None])[0, target] > before[target]
    found, _ = pixel_attack.attack(image, truth, None, score, search, 5)
    assert score(found[None])[0, truth] < before[truth]


def test_a_population_at_once_finds_what_one_candidate_at_a_time_finds(tiny):
    score, image = scores(tiny), np.asarray(tiny_image(tiny))
    truth = int(score(image[None]).argmax())
    search = Search(population=12, generations=3)
    found = [pixel_attack.attack(image, truth, None, score, search, 5, vectorized=way) for way in (True, False)]
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[0][1] <= 12 * 4


def tiny_image(tiny):
    from dlkit.model.splits import read_split

    return read_split(tiny, "validation").inputs[0]


def test_candidates_are_row_column_and_colour():
    image = np.zeros((4, 5, 3), np.uint8)
    candidates = np.array([[1.9, 4.999, 300, -7, 12.6], [4, 5, 1, 2, 3]])
    first, second = changed(image, candidates)
    assert np.argwhere(first.any(-1)).tolist() == [[1, 4]]
    assert first[1, 4].tolist() == [255, 0, 13]
    assert second[3, 4].tolist() == [1, 2, 3]  # the ends of the ranges stay inside


@pytest.mark.parametrize("method", ["fgsm", "pgd"])
def test_white_box_attacks_stay_within_epsilon_and_raise_the_loss(tiny, method):
    result, attempts = attacked(tiny, replace(SMALL, method=method, images=20, epsilon=16, steps=5))
    folder = Path(result["file"]).parent
    for attempt in attempts:
        before, after = (picture(folder / attempt[key]).astype(int) for key in ("original", "attacked"))
        assert np.abs(before - after).max() <= 16
    lowered = [a["confidence"] > a["new_confidence"] or a["success"] for a in attempts]
    assert np.mean(lowered) > 0.9


def test_fgsm_is_the_sign_of_the_gradient(tiny):
    images = np.asarray(tiny_image(tiny))[None]
    score = scores(tiny)
    truth = score(images).argmax(1)
    moved = gradient_attack.attack(tiny.built, images, truth, False, 4, 1, 0).astype(int) - images
    inside = (images >= 4) & (images <= 251)
    assert set(np.abs(moved[inside]).tolist()) <= {0, 4}
    for row, column in np.argwhere(inside[0, ..., 0])[:5]:
        nudged = [images.copy(), images.copy()]
        nudged[0][0, row, column] += 2
        nudged[1][0, row, column] -= 2
        up, down = (-np.log(score(x)[0, truth[0]]) for x in nudged)
        if abs(up - down) > 1e-4:
            assert np.sign(up - down) == np.sign(moved[0, row, column, 0])


@pytest.mark.parametrize(("units", "activation"), [(1, "sigmoid"), (2, "softmax"), (1, None), (2, None)])
def test_a_class_of_which_a_network_is_sure_has_a_gradient(units, activation):
    network = keras.Sequential([keras.Input([3]), keras.layers.Dense(units, activation, kernel_initializer="ones")])
    network.layers[0].bias.assign([500.0, -500.0][:units])
    built = SimpleNamespace(task=SimpleNamespace(from_logits=activation is None))
    x, sure = tf.ones([1, 3]), units % 2  # class 1 of one unit, class 0 of two
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        output = network(x)
        right, wrong = (cross_entropies(built, output, tf.constant([label])) for label in (sure, 1 - sure))
    assert float(right[0]) == 0
    assert float(wrong[0]) == pytest.approx(1000 if units == 2 else 503)
    assert np.abs(tape.gradient(wrong, network.layers[0].kernel)).min() == 1


def test_resized_images_are_attacked_at_the_size_that_the_network_sees(tmp_path, silent):
    resized = ["training.epochs=1", "expect={}", "data.limit=200", "data.resize={height: 12, width: 12}"]
    trained = open_run(train_recipe(load_recipe("digits_mlp", resized), tmp_path, silent()).run)
    for method in ("pixels", "fgsm"):
        result, _ = attacked(trained, replace(SMALL, method=method, images=2))
        assert picture(Path(result["file"]).parent / result["attempts"][0]["attacked"]).shape == (12, 12, 1)


def test_attempts_on_one_image_count_as_one_image_in_the_interval():
    attempts = [
        {"example": number // 9, "success": number % 9 < 3, "class": "0", "new_confidence": 0.5} for number in range(90)
    ]
    found = summary(attempts, ["0"])
    assert (found["rate"], found["successes"]) == (pytest.approx(1 / 3), 30)
    assert found["interval"] == interval(1 / 3, 10)


def test_the_interval_of_a_rate_is_wilsons():
    low, high = interval(0.13, 100)
    z, p, n = 1.959963985, 0.13, 100
    centre, half = (
        (p + z**2 / (2 * n)) / (1 + z**2 / n),
        z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)),
    )
    assert (low, high) == pytest.approx((centre - half, centre + half), abs=1e-6)
