"""Plant plausible bugs one by one, which the tests of the changed file must catch: python benchmarks/planted_bugs.py.

Prints one line per bug that no test catches, and the counts; exits with 1 if there is one. The same tests must pass
without a bug. The children are those of benchmarks/mutation.py.
"""

import ast
import os
import sys
import tempfile
from pathlib import Path

import mutation

# file, its text, the bug, and the tests that must catch it
INSPECTION, FILES, SNAPSHOT = (
    "tests/runs/test_inspection.py",
    "tests/safety/test_files.py",
    "tests/training/test_snapshot.py",
)
GRAPH, DIRECTORY, SPLITS = (
    "tests/safety/test_object_graph.py",
    "tests/runs/test_directory.py",
    "tests/data/test_splits.py",
)
LOOP, STATE, TRANSFER, CONFUSION = (
    "tests/training/test_loop.py",
    "tests/training/test_state.py",
    "tests/model/test_transfer.py",
    "tests/figures/test_confusion_matrix.py",
)
UNLABELLED, PIPELINE, BATCHING, ATTACK = (
    "tests/training/test_unlabelled.py",
    "tests/data/test_pipeline.py",
    "tests/serving/test_batching.py",
    "tests/experiments/test_attack.py",
)
BUGS = (
    ("safety/keras_files", "name.lower().endswith(PICKLES)", "name.endswith(PICKLES)", INSPECTION),
    ("safety/keras_files", "name not in CREATORS", "True", INSPECTION),
    ("safety/keras_files", 'known and (module == "builtins" or', "known and (True or", INSPECTION),
    ("safety/keras_files", 'CODE_CLASSES = ("Lambda", ', "CODE_CLASSES = (", INSPECTION),
    ("safety/keras_files", 'if not name.startswith("/optimizer")', "if name", INSPECTION),
    ("safety/files", "member.flag_bits & 1", "member.flag_bits & 2", FILES),
    ("safety/files", "member.external_attr >> 16", "member.external_attr >> 8", FILES),
    ("safety/files", "max(FREE_BYTES, MAX_RATIO * packed)", "max(FREE_BYTES, MAX_RATIO**2 * packed)", FILES),
    ("safety/files", "[*folders, *files]", "files", FILES),
    ("safety/h5", "if item.is_virtual", "if item.is_virtual and item.external", FILES),
    ("safety/h5", "if address in seen:", "if False:", FILES),
    ("safety/arrays", "if dtype.hasobject", 'if dtype.kind == "O"', FILES),
    ("safety/weight_limits", "total += prod", "total = prod", FILES),
    ("safety/object_graph", '"/job:localhost" not in node.device', '"/job:" not in node.device', GRAPH),
    ("safety/object_graph", "if item.saveable_objects or item.registered_saver", "if item.registered_saver", GRAPH),
    ("safety/saved_models", "if len(metas) > 1", "if len(metas) > 2", GRAPH),
    ("runs/inspection", "item.suffix.lower() in PICKLES", "item.suffix in PICKLES", INSPECTION),
    ("runs/directory", "run.path.is_symlink() or run.path.parent.is_symlink()", "run.path.is_symlink()", DIRECTORY),
    ("runs/find", "    check_folder(found.path)\n", "", DIRECTORY),
    ("training/snapshot", "[:-KEPT]", "[: 1 - KEPT]", SNAPSHOT),
    ("training/snapshot", 'glob("*.npz"), reverse=True', 'glob("*.npz"), reverse=False', SNAPSHOT),
    ("training/snapshot", "name not in texts | _NOT_STATE and", "", SNAPSHOT),
    (
        "training/monitors",
        'return direction == "down"',
        'return direction != "up" or mode is None',
        "tests/training/test_monitors.py",
    ),
    ("training/snapshot", '_NOT_STATE = {"_model", ', '_NOT_STATE = {"_model", "cooldown_counter", ', SNAPSHOT),
    ("training/state", "np.isnan(best) or", "", STATE),
    ("training/state", "value < best if", "value <= best if", STATE),
    ("training/run", "record_fingerprint(run, name, split)", "pass", LOOP),
    ("training/feature_cache", "weights_digest(model.weights)]", "0]", TRANSFER),
    ("data/source", '"fetch" if hasattr(dataset, "fetch") else', "", "tests/components/datasets/test_tfds.py"),
    ("analysis/layers", "layer._inbound_nodes[0].outputs", "keras.tree.flatten(layer.output)", TRANSFER),
    (
        "components/tasks/classification",
        "matrix(targets, predicted, labels=",
        "matrix(predicted, targets, labels=",
        CONFUSION,
    ),
    (
        "media/images",
        "saturate_cast(tf.round(values), dtype)",
        "saturate_cast(values, dtype)",
        "tests/media/test_images.py",
    ),
    ("data/fingerprint", "{array.dtype.str} {array.shape}", "{array.shape}", SPLITS),
    ("data/splits", "data.limit / len(train), LIMIT_SEED", "data.limit / len(train), 1", PIPELINE),
    ("data/near_duplicates", "np.clip(shared, 0, None) * count", "shared * count", "tests/data/test_report.py"),
    ("data/near_duplicates", "<= distance", "< distance", "tests/data/test_report.py"),
    (
        "evaluation/tiling",
        "self._axes, image.shape",
        "self._axes, image.shape[1::-1]",
        "tests/evaluation/test_tiling.py",
    ),
    (
        "evaluation/tiling",
        "weights[row.given, column.given] += weight",
        "weights[row.given, column.given] = weight",
        "tests/evaluation/test_tiling.py",
    ),
    ("evaluation/band", "low <= value <= high", "low <= value", "tests/experiments/test_repeat.py"),
    ("training/unlabelled", ">= self._settings.threshold", ">= 0", UNLABELLED),
    ("training/unlabelled", "self._weight(step) * (1 + ratio) / ratio", "self._weight(step)", UNLABELLED),
    ("data/unlabelled", "(1 + self._ratio) * count + numbers", "count + numbers", UNLABELLED),
    (
        "data/unlabelled",
        "shuffled(numbers, self.seed, epoch, count * self._ratio) if self.shuffle else numbers",
        "numbers",
        UNLABELLED,
    ),
    ("data/buckets", "number - number % POOL_BATCHES", "number", PIPELINE),
    ("data/buckets", "shuffled(tf.range(first * size", "(lambda x,*_: x)(tf.range(first * size", PIPELINE),
    ("serving/batching", "first.kind != batch[0].kind or ", "", BATCHING),
    ("serving/batching", "rows + first.rows > self._limits.batch", "rows > self._limits.batch", BATCHING),
    ("serving/batching", "array[end - waiting.rows : end]", "array[: waiting.rows]", BATCHING),
    ("serving/plain_numbers", " and keeps(values, wanted)", "", "tests/serving/test_plain_numbers.py"),
    ("serving/model", "not np.isfinite(array).all()", "np.isnan(array).all()", "tests/serving/test_inference.py"),
    ("experiments/pixel_attack", "1 - probabilities[:, target]", "probabilities[:, target]", ATTACK),
    ("experiments/attack", "others[: attack.targets].tolist()", "others[: attack.targets + 1].tolist()", ATTACK),
    ("experiments/lesion", "with _kept(self._norms):", "if True:", "tests/experiments/test_lesion.py"),
)


def planted(path: Path, text: str, bug: str) -> ast.Module:
    """Return the tree of a file with one place changed."""
    source = path.read_text()
    if source.count(text) != 1:
        sys.exit(f"{path} contains {text!r} {source.count(text)} times, not once")
    return ast.parse(source.replace(text, bug))


def fails(path: Path, tree: ast.Module, tests: str, folder: Path) -> bool:
    """Return whether tests fail with `tree` in place of a file."""
    child = mutation.start(path, tree, [tests], folder)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def main() -> int:
    """Print the tests that fail without a bug and every bug that is not caught, then the counts."""
    os.chdir(mutation.ROOT)
    sys.path.insert(0, str(mutation.ROOT))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras  # noqa: F401  imported, but not used before the forks

    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, tests in {tests: (name, tests) for name, _, _, tests in BUGS}.values():
            path = mutation.ROOT / f"dlkit/{name}.py"
            if fails(path, ast.parse(path.read_text()), tests, folder):
                print(f"{tests} fails without a bug, so it proves nothing", flush=True)
                wrong += 1
        caught = 0
        for name, text, bug, tests in BUGS:
            path = mutation.ROOT / f"dlkit/{name}.py"
            if fails(path, planted(path, text, bug), tests, folder):
                caught += 1
            else:
                print(f"dlkit/{name}.py: `{text.strip()}` -> `{bug}`", flush=True)
    print(f"{len(BUGS)} planted bugs, {caught} are caught")
    return int(wrong > 0 or caught < len(BUGS))


if __name__ == "__main__":
    sys.exit(main())
