"""Predictions from image files, folders and .npz rows are those of the same pixels in evaluation."""

import numpy as np
import pytest
from PIL import Image

from dlkit.components.datasets.digits import Digits
from dlkit.errors import InputError, MissingError
from dlkit.evaluation.encode import encode
from dlkit.evaluation.predict import predict
from dlkit.model.trained import open_run


@pytest.fixture(scope="module")
def trained(trained_run):
    return open_run(trained_run)


@pytest.fixture(scope="module")
def digits():
    return Digits().load("test", None).select(np.arange(5))


def test_png_files_and_rows_give_the_same_answers(trained, digits, tmp_path):
    for index, image in enumerate(digits.inputs):
        Image.fromarray(image[..., 0]).save(tmp_path / f"{index}.png")
    np.savez(tmp_path / "rows.npz", x=digits.inputs)
    expected = trained.built.predict_raw(digits.inputs)["probabilities"].numpy()
    files = predict(trained, [tmp_path])
    rows = predict(trained, [tmp_path / "rows.npz"])
    assert [row["input"] for row in files] == [str(tmp_path / f"{index}.png") for index in range(5)]
    assert rows[2]["input"] == f"{tmp_path / 'rows.npz'}[2]"
    for number, (one, other) in enumerate(zip(files, rows, strict=True)):
        assert one["probabilities"] == other["probabilities"]
        np.testing.assert_allclose(list(one["probabilities"].values()), expected[number], atol=1e-6)
        assert one["label"] == str(expected[number].argmax())
        assert one["probability"] == max(one["probabilities"].values())


def test_other_types_with_the_same_values_give_the_same_answers(trained, digits, tmp_path):
    np.savez(tmp_path / "rows.npz", x=digits.inputs)
    expected = [row["probabilities"] for row in predict(trained, [tmp_path / "rows.npz"])]
    for values in (digits.inputs.astype(">i8"), np.asfortranarray(digits.inputs)):
        np.save(tmp_path / "rows.npy", values)
        found = predict(trained, [tmp_path / "rows.npy"])
        assert [row["probabilities"] for row in found] == expected
        assert found[4]["input"] == f"{tmp_path / 'rows.npy'}[4]"


def test_what_does_not_fit_is_named(trained, tmp_path):
    Image.new("L", (9, 8)).save(tmp_path / "wide.png")
    with pytest.raises(InputError, match=r"wide\.png has the shape \[8, 9, 1\], but this model takes \[8, 8, 1\]"):
        predict(trained, [tmp_path / "wide.png"])
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(InputError, match=r"text\.png is not a readable image"):
        predict(trained, [tmp_path / "text.png"])
    np.save(tmp_path / "flat.npy", np.zeros((2, 8, 8), np.uint8))
    with pytest.raises(InputError, match=r"has the shape \[8, 8\]") as caught:
        predict(trained, [tmp_path / "flat.npy"])
    assert caught.value.problems[0].hint == "its last axis, the channel, is missing: save array[..., None]"
    (tmp_path / "a.wav").write_bytes(b"")
    with pytest.raises(InputError, match=r"a\.wav is a recording, but this model takes images"):
        predict(trained, [tmp_path / "a.wav"])
    np.savez(tmp_path / "other.npz", images=np.zeros(3))
    with pytest.raises(InputError, match=r"other\.npz has no array x"):
        predict(trained, [tmp_path / "other.npz"])
    np.savez(tmp_path / "floats.npz", x=np.zeros((2, 8, 8, 1)))
    with pytest.raises(InputError, match="x is float64, but the model takes uint8"):
        predict(trained, [tmp_path / "floats.npz"])
    scans = np.full((2, 8, 8, 1), 4095, np.uint16)
    for values, message in [
        (scans, "x is uint16 with values from 4095 to 4095, but the model takes uint8, from 0 to 255"),
        (scans > 0, "x is bool, but the model takes uint8"),
        (-scans.astype(int), "x is int64 with values from -4095 to -4095"),
        (scans[:0], r"x has the shape \[0, 8, 8, 1\], which contains no values"),
        (scans.astype(str), "x contains text"),
        (scans[0, 0, 0, 0], "x is a single value"),
    ]:
        np.savez(tmp_path / "values.npz", x=values)
        for verb in (predict, encode):
            with pytest.raises(InputError, match=message):
                verb(trained, [tmp_path / "values.npz"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingError, match="no images in"):
        predict(trained, [tmp_path / "empty"])
