"""Train the autoencoders on MNIST with seed 0 and print one table: python benchmarks/autoencoders.py [CASE ...].

Every case is a shipped recipe, in some cases with a changed setting, evaluated on the test split. `error` is that of
the named baseline: the identity (the corrupted input) for denoising, the mean image for hidden patches, PCA of equal
width otherwise. `near 0` is the share of code values below 1 % of the largest code value; `Jacobian` is the mean of
||dh/dx||_F^2 over 1,000 test images, computed exactly from the weights.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

SEED = 0
EXAMPLES = 1000
CASES: dict[str, tuple[str, list[str]]] = {
    "plain, relu": ("ae_sparse", ["task.autoencoding.loss_weights.sparsity=0"]),
    "sparse": ("ae_sparse", []),
    "plain, sigmoid": ("ae_contractive", ["task.autoencoding.loss_weights.jacobian=0"]),
    "contractive": ("ae_contractive", []),
    "vae": ("vae", []),
    "masked": ("ae_masked", []),
    "tied": ("ae_tied", []),
    "deep": ("ae_deep", []),
    "denoising": ("ae_denoising", []),
    "conv": ("ae_conv", []),
}


class _Quiet:
    """A reporter that prints one line per epoch to stderr."""

    def begin(self, epoch: int, steps_done: int, steps: int) -> None:
        """Do nothing."""

    def progress(self, epoch: int, steps_done: int, steps: int, logs: Any) -> None:
        """Do nothing."""

    def epoch_done(self, epoch: int, row: Any) -> None:
        """Print the epoch's loss and time."""
        print(f"  epoch {epoch + 1}  loss {row['loss']:.4f}  {row['seconds']:.0f} s", file=sys.stderr, flush=True)


def measure(name: str, root: Path) -> dict[str, Any]:
    """Train and evaluate one case."""
    from dlkit.components.tasks._reconstruction import code_of
    from dlkit.evaluation.evaluate import evaluate, read_split
    from dlkit.model.trained import open_run
    from dlkit.recipe import load_recipe
    from dlkit.training.run import train_recipe

    recipe, changes = CASES[name]
    result = train_recipe(load_recipe(recipe, [*changes, f"training.seed={SEED}"]), root, _Quiet())
    trained = open_run(result.run)
    metrics = evaluate(trained, "test")
    images = trained.built.preprocess(read_split(trained, "test").inputs[:EXAMPLES], training=False)
    codes = code_of(trained.built.network, images)
    baseline = next(name for name in ("identity_mse", "pca_mse", "mean_mse") if name in metrics)
    return {
        "train loss": result.metrics["loss"],
        "test loss": metrics["loss"],
        "mse": metrics["mse"],
        "psnr": metrics["psnr"],
        "baseline": baseline.removesuffix("_mse") if name != "masked" else "mean",
        "error": metrics[baseline if name != "masked" else "mean_mse"],
        "near 0": float(np.mean(np.abs(codes) < 0.01 * np.abs(codes).max())),
        "Jacobian": _jacobian(trained.built.network, codes),
    }


def _jacobian(network: Any, codes: np.ndarray) -> float | None:
    """Return the mean squared norm for an encoder of one dense layer with sigmoid, None for others."""
    dense = [layer for layer in network.get_layer("encoder").layers if layer.weights]
    if len(dense) != 1 or dense[0].activation.__name__ != "sigmoid":
        return None
    kernel = np.asarray(dense[0].kernel, np.float64)
    return float(((codes * (1 - codes)) ** 2 @ (kernel**2).sum(axis=0)).mean())


def main(names: list[str]) -> None:
    """Print the table, each row as soon as it is measured."""
    from dlkit.machine.tensorflow import start_tensorflow

    start_tensorflow()
    keys: list[str] = []
    with tempfile.TemporaryDirectory() as root:
        for name in names or CASES:
            row = measure(name, Path(root))
            if not keys:
                keys = list(row)
                print(f"| case | {' | '.join(keys)} |\n|{'---|' * (len(keys) + 1)}")
            cells = ("" if (v := row[key]) is None else v if isinstance(v, str) else f"{v:.4g}" for key in keys)
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
