"""Export as a plain Keras script: readable code that rebuilds the network without dlkit, and its weights."""

import runpy
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from dlkit.components.exporters._conversion import PROGRAMS
from dlkit.components.exporters._entry import Entry, EntryExporter
from dlkit.components.exporters._keras_code import Lines, write_model
from dlkit.errors import CheckError
from dlkit.interfaces.exporter import Interface, Port, Servable, Tolerance
from dlkit.safety.files import refuse, require_file
from dlkit.safety.keras_files import h5_file_contents

SCRIPT, WEIGHTS = "model.py", "model.weights.h5"
TEMPLATE = '''"""The network {name!r}, for Keras {version} alone. Each row has its output's shape and its parameters.

    import model                                # this file
    network = model.load()                      # with the trained weights
    outputs = model.predict(network, inputs)    # {dtype} [n, {shape}] -> {outputs}

`python model.py inputs.npy` prints the outputs of an array in a file. Parameters: {parameters:,}.
"""

{modules}import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
from keras import layers, ops

HERE = Path(__file__).parent
CLASS_NAMES = {class_names}
{policy}{classes}

def build():
    """Return the network with fresh weights; its outputs are those of the task, by name."""
    inputs = keras.Input({spec}, dtype={dtype!r}, name="inputs")
{lines}
    return keras.Model(inputs, {{{returned}}})


def load():
    """Return the network with its trained weights."""
    network = build()
    {load}
    return network


def predict(network, inputs):
    """Return the outputs by name for a batch of inputs, as NumPy arrays."""
    outputs = network(keras.ops.convert_to_tensor(inputs), training=False)
    return {{name: keras.ops.convert_to_numpy(value) for name, value in outputs.items()}}


if __name__ == "__main__":
    print(predict(load(), np.load(sys.argv[1], allow_pickle=False)))
'''


@dataclass(frozen=True, kw_only=True)
class Code(EntryExporter):
    """Writes model.py, a plain Keras script with one line per layer, and its weights in model.weights.h5.

    The script needs Keras alone, and gives the run's outputs to 1e-6.
    """

    runtime = PROGRAMS / "run_code.py"
    text = True
    tolerance = Tolerance(absolute=1e-6, relative=1e-6)

    def write(self, model: Servable, folder: Path, examples: np.ndarray) -> Interface:
        """Write script, weights and vocabularies; raise RefusedError for what plain Keras code cannot express."""
        del examples
        entry, flat, code = self.entry(model), _flat(model), Lines()
        for file, text in _texts(model, entry, flat, code).items():
            (folder / file).write_text(text, encoding="utf-8")
        _save_weights(folder, code)
        outputs = tuple(Port(name, value.dtype, tuple(value.shape)) for name, value in sorted(flat.output.items()))
        entered = Port("inputs", entry.spec.dtype, (None, *entry.spec.shape))
        return Interface(SCRIPT, (entered,), outputs, entry.starts_at, entry.caller)

    def check(self, folder: Path, model: Servable) -> None:
        """Raise CheckError unless the script is, letter by letter, the one that the run gives, and its weights data."""
        for file, text in _texts(model, self.entry(model), _flat(model), Lines()).items():
            require_file(folder / file)
            if (folder / file).read_text(encoding="utf-8", errors="replace") != text:
                raise CheckError(
                    f"{folder / file} was not run: it is not the script that this version of dlkit writes for the run",
                    "read it before you run it, or export the run again",
                )
        if (folder / WEIGHTS).exists():
            problems = h5_file_contents(folder / WEIGHTS).problems
            refuse(folder / WEIGHTS, problems)


def _flat(model: Servable) -> keras.Model:
    """Return preprocessing, network and decoding as one model from `inputs` to the outputs by name."""
    spec = model.preprocess.input
    inputs = keras.Input(spec.shape[1:], dtype=spec.dtype, name="inputs")
    return keras.Model(inputs, model.outputs(model.inference_network(model.preprocess(inputs))))


def _texts(model: Servable, entry: Entry, flat: keras.Model, code: Lines) -> dict[str, str]:
    """Return the text files of the artefact by name; fill `code` with its lines and layers."""
    names = write_model(code, flat, ["inputs"])  # of the outputs in alphabetical order, as Keras flattens them
    policy, shape = keras.config.dtype_policy().name, entry.spec.shape
    script = TEMPLATE.format(
        name=model.network.name,
        version=keras.__version__,
        dtype=entry.spec.dtype,
        shape=", ".join("?" if size is None else str(size) for size in shape),
        outputs=", ".join(flat.output),
        parameters=flat.count_params(),
        class_names=list(model.class_names),
        policy="" if policy == "float32" else f"keras.config.set_dtype_policy({policy!r})\n",
        modules="import math\n" if any("math." in text for text in code.classes.values()) else "",
        classes="".join(f"\n\n{text}\n" for text in code.classes.values()),
        spec=tuple(shape),
        lines="\n".join(f"    {line}" for line in code.lines),
        returned=", ".join(f"{key!r}: {variable}" for key, variable in zip(sorted(flat.output), names, strict=True)),
        load=f'network.load_weights(HERE / "{WEIGHTS}")' if flat.weights else "pass",
    )
    words = {file: "".join(f"{word}\n" for word in found) for file, found in code.vocabularies.items()}
    return {SCRIPT: script, **words}


def _save_weights(folder: Path, code: Lines) -> None:
    """Run the script that was written, give its layers the trained weights, and save them."""
    script = runpy.run_path(str(folder / SCRIPT), run_name="model")
    network = script["build"]()
    for name, layer in code.layers.items():
        copy = network.get_layer(name)
        copy.set_weights(layer.get_weights())
    if network.weights:
        network.save_weights(folder / WEIGHTS)
