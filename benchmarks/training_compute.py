"""Count the operations of whole trainings: python benchmarks/training_compute.py [RECIPE ...] [--set KEY=VALUE].

TensorFlow's profiler counts the floating-point operations in the graph of a training step, including gradients and
optimizer, with two per multiply-add. The first layer's gradient with respect to its input is counted too, although
TensorFlow does not compute it. A teacher's inference is counted, but not its training, preprocessing or augmentation.
"""

import argparse

import tensorflow as tf
from training_speed import started


def step_operations(training):
    """Return the operations of one step by kind, and the number of examples in it."""
    graph = tf.function(training.steps.fixed_step(), autograph=False).get_concrete_function().graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    nodes = tf.compat.v1.profiler.profile(graph, options=options, cmd="op")
    kinds = {}
    while nodes.children:
        (nodes,) = nodes.children
        kinds[nodes.name] = nodes.float_ops
    return kinds, min(training.recipe.training.batch_size, training.steps.examples)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="*", default=["cifar_cnn", "cifar_cnn_fast", "cifar_94"])
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    for name in arguments.recipes:
        training = started(name, arguments.set)
        kinds, size = step_operations(training)
        examples = training.steps.examples
        epochs = sum(phase.epochs for phase in training.phases)
        total, each = examples * epochs * sum(kinds.values()) / size, sum(kinds.values()) / size
        largest = sorted(kinds.items(), key=lambda item: -item[1])[:4]
        shares = ", ".join(f"{kind} {100 * count / sum(kinds.values()):.0f} %" for kind, count in largest)
        print(f"{name}: {total:.3g} in {epochs} epochs of {examples:,}, {each:.4g} an example ({shares})", flush=True)


if __name__ == "__main__":
    main()
