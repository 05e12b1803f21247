"""dlkit pca refuses what has no components, and an option that it would not read."""

import numpy as np
import pytest


@pytest.mark.parametrize(
    ("values", "code", "message"),
    [
        (np.where(np.arange(24).reshape(6, 4) == 5, np.nan, 1.0), 2, "the inputs of train[1] contain NaN or infinity"),
        (np.ones((6, 4)), 2, "all 6 examples are the same, so they have no components"),
    ],
)
def test_what_has_no_components_is_said(dlkit, tmp_path, values, code, message):
    np.savez(tmp_path / "a.npz", x=values, y=np.arange(6) % 2)
    source = f"{{arrays: {{train: {tmp_path / 'a.npz'}, classes: 2}}}}"
    (tmp_path / "a.yaml").write_text(
        f"recipe: 1\nname: a\ntask: classification\ndata: {{source: {source}, validation: none}}\n"
        "model: {sequential: {layers: [{Dense: {units: 2, activation: softmax}}]}}\n"
        "training: {epochs: 1, optimizer: Adam}\n"
    )
    done = dlkit("pca", tmp_path / "a.yaml", "--runs-dir", tmp_path / "runs")
    assert done.code == code
    assert message in done.error


def test_a_checkpoint_is_refused_without_codes(dlkit):
    done = dlkit("pca", "circles_mlp", "--checkpoint", "last")
    assert done.code == 2
    assert "--checkpoint is of --codes" in done.error
