"""Compare 688 updates of the single neuron in dlkit's loop with plain Keras, in one process.

    python benchmarks/single_neuron.py [rounds]

Prints medians of interleaved rounds: the time of dlkit's training as a ratio to a bare loop over `train_on_batch`
(which keeps no history, calls no callbacks and writes nothing), and the time of `fit` as a ratio to dlkit's.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from dlkit.machine.tensorflow import start_tensorflow

start_tensorflow()

from timing import seconds

from dlkit.interfaces.reporter import Reporter
from dlkit.model.compile import compile_model
from dlkit.recipe import load_recipe
from dlkit.runs.directory import create_run
from dlkit.training.loop import Training
from dlkit.training.prepare import prepare

UPDATES = 688


def ours(loaded, folder):
    """Return the seconds of dlkit's 688 updates, with history and callbacks, but without start-up and final files."""
    ready = prepare(loaded)
    compile_model(ready.built, loaded.recipe)
    training = Training(loaded.recipe, ready, Reporter())
    run = create_run(folder, "single_neuron", lambda run: None)
    training.state.write_products = lambda: None
    warm_up(training)
    elapsed = seconds(lambda: training.run_to_end(run))
    assert training.progress.step == UPDATES
    return elapsed


def warm_up(training):
    """Trace the step once without changing weights, because the first train_on_batch is not counted either."""
    before = training.steps.network.get_weights()
    training.start()
    training.steps.take(training.steps.stream(0, 1))
    training._enter_phase = lambda: None  # entered already
    training.steps.network.set_weights(before)
    training.steps.network.optimizer.iterations.assign(0)


def keras_model(loaded):
    """Return the compiled network and its only batch."""
    ready = prepare(loaded)
    built, splits = ready.built, ready.splits
    network = compile_model(built, loaded.recipe)
    x, y = built.prepare(splits.train.inputs, splits.train.targets)
    network.train_on_batch(x, y)
    return network, x.numpy(), y.numpy()


def train_on_batch(loaded):
    """Return the seconds of a bare loop over train_on_batch."""
    network, x, y = keras_model(loaded)
    return seconds(lambda: [network.train_on_batch(x, y) for _ in range(UPDATES)])


def fit(loaded, epochs=100):
    """Return the seconds of Keras' fit on arrays, one batch per epoch, scaled to 688 epochs."""
    network, x, y = keras_model(loaded)
    settings = {"batch_size": 12, "shuffle": False, "verbose": 0}
    network.fit(x, y, epochs=2, **settings)
    return seconds(lambda: network.fit(x, y, epochs=epochs, **settings)) * UPDATES / epochs


def main(rounds=5):
    """Print the two ratios."""
    loaded = load_recipe("single_neuron")
    times = {"dlkit": [], "train_on_batch": [], "fit": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            times["dlkit"].append(ours(loaded, Path(folder)))
            times["train_on_batch"].append(train_on_batch(loaded))
            times["fit"].append(fit(loaded))
    median = {name: statistics.median(values) for name, values in times.items()}
    print(f"dlkit / train_on_batch loop: {median['dlkit'] / median['train_on_batch']:.2f}   (at most 3)")
    print(f"fit / dlkit:                 {median['fit'] / median['dlkit']:.1f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
