"""Floating-point operations of whole trainings: python benchmarks/training_compute.py [RECIPE ...] [--set KEY=VALUE].

TensorFlow's profiler counts those of the graph of a training step, with its gradients and its optimizer: two for each
multiply-add. Gradients that nothing needs are counted too, though TensorFlow leaves them out when it runs. Preprocessing
and augmentation are not counted.
"""

import argparse

from dlkit.tensorflow_start import start_tensorflow

start_tensorflow()

import tensorflow as tf

from dlkit.compiled_model import build_model, compile_model
from dlkit.data_source import build_dataset, describe
from dlkit.input_pipeline import steps_per_epoch
from dlkit.recipe import load_recipe
from dlkit.splits import load_splits


def step_operations(recipe, built, phase, size):
    """Operations of one step on `size` examples, by kind."""
    network = compile_model(built, recipe, phase, steps=100)
    network.optimizer.build(network.trainable_variables)
    x = tf.TensorSpec((size, *network.input_shape[1:]))
    y = tf.TensorSpec((size, *network.output_shape[1:]))
    graph = tf.function(network.train_step, autograph=False).get_concrete_function((x, y)).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    tree = tf.compat.v1.profiler.profile(graph, options=options, cmd="op")
    return {node.name: node.total_float_ops - sum(c.total_float_ops for c in node.children) for node in walk(tree)}


def walk(node):
    yield node
    for child in node.children:
        yield from walk(child)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="*", default=["cifar_cnn", "cifar_cnn_fast", "cifar_94"])
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    for name in arguments.recipes:
        recipe = load_recipe(name, arguments.set).recipe
        dataset = build_dataset(recipe)
        built = build_model(recipe, describe(recipe, dataset))
        examples = len(load_splits(recipe.data, dataset, stratified=True).train)
        size, total = recipe.training.batch_size, 0.0
        for phase in recipe.training.resolved_phases():
            kinds = step_operations(recipe, built, phase, size)
            steps = phase.epochs * steps_per_epoch(examples, size)
            total += sum(kinds.values()) * phase.epochs * examples / size
        largest = ", ".join(
            f"{k} {v / sum(kinds.values()):.3f}" for k, v in sorted(kinds.items(), key=lambda i: -i[1])[:6]
        )
        print(
            f"{name}: {total / 1e15:.3f} PFLOP, {steps} steps of {size}, {phase.epochs} epochs of {examples}; {largest}"
        )


if __name__ == "__main__":
    main()
