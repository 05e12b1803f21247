"""Measure an epoch with a frozen backbone, with and without cached features.

Run: python benchmarks/feature_cache.py [PHOTOS]

The network is MobileNetV2 (alpha 0.35) on 224x224 pixels, with random weights, which cost as much as pretrained ones.
Both trainings run in this process and take turns; the first epochs, which compile and compute the features, are not
counted. PHOTOS is a folder of class folders; without it, noise of the same size is used.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

ROUNDS, EPOCHS_CACHED = 3, 20
RECIPE = """
recipe: 1
name: feature_cache
task: classification
data:
  source: SOURCE
  resize: {height: 224, width: 224}
  preprocess: [{ApplicationPreprocessing: {backbone: MobileNetV2}}]
model:
  pretrained:
    backbone: MobileNetV2
    alpha: 0.35
    head: [GlobalAveragePooling2D, {Dropout: {rate: 0.2}}, {Dense: {units: 2, activation: softmax}}]
training: {batch_size: 16, epochs: 1, trainable: [head], optimizer: Adam}
"""


def started(path, cached):
    """Return a training that has completed its first epoch."""
    import dlkit.training.steps as module
    from dlkit.interfaces.reporter import Reporter
    from dlkit.recipe import load_recipe
    from dlkit.training.loop import Training
    from dlkit.training.prepare import prepare

    loaded = load_recipe(path)
    ready = prepare(loaded)
    original = module.head_network
    module.head_network = original if cached else lambda network, changed: None
    try:
        training = Training(loaded.recipe, ready, Reporter())
        training.start()
    finally:
        module.head_network = original
    assert (training.steps.stepped is not training.steps.network) == cached
    stream = training.steps.stream(0, 10**9)
    training.steps.take(stream, training.steps.per_epoch)
    return training, stream


def seconds(training, stream, epochs):
    """Return the seconds of one epoch."""
    begun = time.perf_counter()
    for _ in range(epochs):
        training.steps.take(stream, training.steps.per_epoch, fresh=True)
    return (time.perf_counter() - begun) / epochs


def main(photos=None):
    """Print the seconds of an epoch with and without the cache, and their ratio."""
    from dlkit.machine.tensorflow import start_tensorflow

    start_tensorflow()
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        source = f"{{image_folder: {{directory: {photos}, test_fraction: 0}}}}"
        if photos is None:
            draw = np.random.default_rng(0)
            images = draw.integers(0, 256, (64, 224, 224, 3)).astype("uint8")
            np.savez(Path(folder) / "noise.npz", x=images, y=np.arange(64) % 2)
            source = f"{{arrays: {{train: {folder}/noise.npz, classes: 2}}}}"
        path = Path(folder) / "feature_cache.yaml"
        path.write_text(RECIPE.replace("SOURCE", source))
        whole, head = started(path, cached=False), started(path, cached=True)
        rounds = [(seconds(*whole, 1), seconds(*head, EPOCHS_CACHED)) for _ in range(ROUNDS)]
    slow, fast = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(f"{len(whole[0].splits.train)} pictures, medians of {ROUNDS} rounds")
    print(f"epoch without the cache  {slow:.3f} s")
    print(f"epoch with cached features  {fast:.4f} s")
    print(f"ratio  {slow / fast:.0f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
