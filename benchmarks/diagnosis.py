"""Plant illnesses in trainings of MNIST, and see what the diagnosis finds: python benchmarks/diagnosis.py FOLDER.

Prints one line for every ill run and for every healthy run of a shipped recipe, then the counts; exits with 1 if fewer
than 11 of the 12 first diagnoses are right, or a healthy run gets one. Runs that are in FOLDER already are not trained
again. MNIST must be prepared (TFDS_DATA_DIR). A second argument is the first letters of the only runs to do.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from dlkit.machine.tensorflow import start_tensorflow

start_tensorflow()

import numpy as np
from ruamel.yaml import YAML

from dlkit.components.datasets.tfds import Tfds
from dlkit.diagnosis.diagnose import diagnose
from dlkit.errors import CheckError
from dlkit.interfaces.reporter import Reporter
from dlkit.recipe import load_recipe
from dlkit.runs.directory import RunDirectory
from dlkit.runs.find import list_runs
from dlkit.training.run import train_recipe

TRAIN, TEST = 12_000, 2_000
ADAM, DENSE = "training.optimizer", "model.sequential.layers"
SIGMOID = {"units": 128, "activation": "sigmoid", "kernel_initializer": {"RandomNormal": {"stddev": 8.0}}}
DEAD = {"units": 128, "activation": "relu", "bias_initializer": {"Constant": {"value": -20.0}}}


@dataclass(frozen=True)
class Illness:
    """What is changed in a healthy training, and the kinds of diagnosis that name it."""

    right: tuple[str, ...]
    settings: tuple[str, ...] = ()
    data: str = "mnist"


def adam(rate: float) -> str:
    return f"{ADAM}={{Adam: {{learning_rate: {rate}}}}}"


def first_layer(dense: dict) -> str:
    return f"{DENSE}.0={{Dense: {dense}}}".replace("'", "")


ILLNESSES = {
    "rate_x1000": Illness(("learning_rate_too_high",), (adam(1.0),)),
    "rate_/1000": Illness(("learning_rate_too_low",), (adam(1e-6),)),
    "shuffled_labels": Illness(("labels_do_not_fit",), data="shuffled"),
    "wrong_labels": Illness(("suspect_labels",), data="wrong"),
    "dead_relu": Illness(("dead_units",), (first_layer(DEAD),)),
    "saturated": Illness(("saturated_units",), (first_layer(SIGMOID),)),
    "not_normalised": Illness(("inputs_not_scaled",), ("data.preprocess=[Flatten]",)),
    "doubled": Illness(
        ("inputs_scaled_twice",),
        ("data.preprocess=[{Rescaling: {scale: 1/255}}, {Rescaling: {scale: 1/255}}, Flatten]",),
    ),
    "leak": Illness(("leak",), data="leak"),
    "one_percent": Illness(("few_examples", "overfitting"), (f"data.limit={TRAIN // 100}", "training.epochs=20")),
    "extra_epochs": Illness(("overfitting",), ("training.epochs=70",)),
    "missing_class": Illness(("missing_class",), data="missing"),
}
RECIPE = {
    "recipe": 1,
    "name": "ill",
    "task": "classification",
    "data": {
        "source": {"arrays": {"train": "", "test": "", "classes": 10}},
        "validation": {"fraction": 0.1, "seed": 0},
        "preprocess": [{"Rescaling": {"scale": "1/255"}}, "Flatten"],
    },
    "model": {
        "sequential": {
            "layers": [
                {"Dense": {"units": 128, "activation": "relu"}},
                {"Dense": {"units": 64, "activation": "relu"}},
                {"Dense": {"units": 10, "activation": "softmax"}},
            ]
        }
    },
    "training": {"batch_size": 64, "epochs": 10, "seed": 0, "optimizer": {"Adam": {"learning_rate": 0.001}}},
}
HEALTHY = {
    **dict.fromkeys(("digits_mlp", "wine_csv", "diabetes_csv", "linear_regression", "logistic_regression"), ()),
    **dict.fromkeys(("single_neuron", "rnn_adder", "lstm_sine", "mnist_mlp", "mnist_mlp_rmsprop", "ae_simple"), ()),
    **dict.fromkeys(("ae_sparse", "ae_tied", "ae_contractive", "ae_deep", "vae", "mnist_cnn_fast", "lenet5"), ()),
    "lenet5_1998": (),
}
SHORTER = {"mnist_rows_lstm": 2, "mnist_cnn": 2}


def data(folder: Path, kind: str) -> dict[str, str]:
    """Write MNIST with something wrong with it; return the paths of train and test."""
    files = {name: str(folder / f"{kind}_{name}.npz") for name in ("train", "test")}
    if Path(files["test"]).exists():
        return files
    train, test = (Tfds(name="mnist").load(name, None) for name in ("train", "test"))
    x, y = np.asarray(train.inputs)[:TRAIN], np.asarray(train.targets)[:TRAIN].copy()
    test = test.select(np.arange(TEST))
    draws = np.random.default_rng(0)
    if kind == "shuffled":
        draws.shuffle(y)
    if kind == "wrong":
        wrong = draws.choice(len(y), len(y) // 50, replace=False)
        y[wrong] = (y[wrong] + draws.integers(1, 10, len(wrong))) % 10
    if kind == "leak":
        x, y = np.concatenate([x, test.inputs]), np.concatenate([y, test.targets])
    if kind == "missing":
        x, y = x[y != 7], y[y != 7]
    np.savez(files["train"], x=x, y=y)
    np.savez(files["test"], x=test.inputs, y=test.targets)
    return files


def trained(folder: Path, recipe: str | Path, settings: tuple[str, ...] = ()) -> RunDirectory:
    """Return the run of a recipe in a folder, trained unless it is there."""
    if not list_runs(folder):
        try:
            train_recipe(load_recipe(recipe, settings), folder, Reporter())
        except CheckError as error:  # a training that became non-finite leaves an unfinished run
            print(f"{folder.name}: {error}", file=sys.stderr)
    return RunDirectory(list_runs(folder)[-1])


def ill(folder: Path, name: str) -> RunDirectory:
    place = folder / "ill" / name.replace("/", "_")
    place.mkdir(parents=True, exist_ok=True)
    illness = ILLNESSES[name]
    RECIPE["data"]["source"]["arrays"] |= data(folder, illness.data)
    with (place / "recipe.yaml").open("w") as stream:
        YAML().dump(RECIPE, stream)
    return trained(place, place / "recipe.yaml", illness.settings)


def healthy(folder: Path, name: str) -> RunDirectory:
    settings = (f"training.epochs={SHORTER[name]}",) if name in SHORTER else ()
    return trained(folder / "healthy" / name, name, settings)


def found(run: RunDirectory) -> list[str]:
    return [finding.kind for finding in diagnose(run).findings]


def main(folder: Path, only: str = "") -> int:
    folder.mkdir(parents=True, exist_ok=True)
    right = silent = 0
    for name, illness in ILLNESSES.items():
        if name.startswith(only):
            kinds = found(ill(folder, name))
            good = bool(kinds) and kinds[0] in illness.right
            right += good
            print(f"{'right' if good else 'WRONG'}   {name}: {', '.join(kinds) or 'nothing'}", flush=True)
    for name in [*HEALTHY, *SHORTER]:
        if name.startswith(only):
            kinds = found(healthy(folder, name))
            silent += not kinds
            print(f"{'silent' if not kinds else 'WRONG'}  {name}: {', '.join(kinds) or 'nothing'}", flush=True)
    print(f"{right} of {len(ILLNESSES)} first diagnoses are right; {silent} of {len(HEALTHY) + len(SHORTER)} silent")
    return int(right < 11 or silent < len(HEALTHY) + len(SHORTER))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:3]))
