"""Export as a folder from which Docker builds a TensorFlow Serving image."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from dlkit.components.exporters._conversion import PROGRAMS
from dlkit.components.exporters.saved_model import SavedModel
from dlkit.interfaces.exporter import Exporter, Interface, Servable
from dlkit.safety.ops import ALLOWED, RESTORING, SAVING
from dlkit.safety.saved_models import saved_model_contents

TAG = "2.19.1"
"""The tag of the image tensorflow/serving; a newer one is a change of one line in the Dockerfile."""
KNOWN = ALLOWED | SAVING | RESTORING
MODEL = Path("models") / "model" / "1"

DOCKERFILE = """\
FROM tensorflow/serving:{tag}
COPY models /models
ENV MODEL_NAME=model
"""
IGNORED = "*\n!models\n"
README = """\
# TensorFlow Serving

Build the image, run it, and ask for its signatures:

    docker build -t my_model .
    docker run --rm -p 8501:8501 my_model
    curl http://localhost:8501/v1/models/model/metadata

A request has a list of examples of shape {shape} ({dtype}):

    curl -d '{{"instances": [...]}}' http://localhost:8501/v1/models/model:predict
{encoded}
The certificate of this folder holds for the model in `{model}`, opened with TensorFlow {version}. dlkit has run neither
Docker nor the server.
{warning}"""
ENCODED = """
JPEG and PNG bytes go to another signature:

    curl -d '{"signature_name": "serve_encoded", "instances": [{"b64": "..."}]}' \\
        http://localhost:8501/v1/models/model:predict
"""


@dataclass(frozen=True, kw_only=True)
class Serving(Exporter):
    """Writes a Dockerfile with a fixed tag, a SavedModel and a page of commands; it runs neither Docker nor the server.

    If the graph was written by a newer TensorFlow than the server's, the page and the certificate warn of it.
    """

    runtime = PROGRAMS / "run_saved_model.py"

    def write(self, model: Servable, folder: Path, examples: np.ndarray) -> Interface:
        """Write the SavedModel and the text files."""
        (folder / MODEL).mkdir(parents=True)
        interface = SavedModel().write(model, folder / MODEL, examples)
        warning = newer_operations(folder / MODEL)
        (entry,) = interface.inputs
        texts = {
            "Dockerfile": DOCKERFILE.format(tag=TAG),
            ".dockerignore": IGNORED,
            "README.md": README.format(
                shape=["any" if size is None else size for size in entry.shape[1:]],
                dtype=entry.dtype,
                encoded=ENCODED if "serve_encoded" in saved_model_contents(folder / MODEL).signatures else "",
                model=MODEL,
                version=tf.__version__,
                warning="".join(f"\nWarning: {text}\n" for text in warning),
            ),
        }
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        return Interface(str(MODEL), interface.inputs, interface.outputs, caller=("build and run the image", *warning))

    def main_input(self, model: Servable, examples: np.ndarray) -> tuple[str, np.ndarray]:
        """Return the raw examples, as `serving_default` takes them."""
        return SavedModel().main_input(model, examples)

    def endpoints(self, model: Servable, examples: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return the arguments of the SavedModel's endpoints."""
        return SavedModel().endpoints(model, examples)

    def check(self, folder: Path, model: Servable) -> None:
        """Raise CheckError if the graph has operations that act outside the model."""
        SavedModel().check(folder / MODEL, model)


def newer_operations(folder: Path, tag: str = TAG, version: str = tf.__version__) -> tuple[str, ...]:
    """Return a warning if the graph's TensorFlow is newer than the server's, with the operations that may be new."""
    server, own = (tuple(map(int, text.split(".")[:2])) for text in (tag, version))
    if own <= server:
        return ()
    found = saved_model_contents(folder).operations
    unknown = sorted(name for name in found if hasattr(tf.raw_ops, name) and name not in KNOWN)
    listed = f"; these may be missing there: {', '.join(unknown)}" if unknown else "; all that it uses are long known"
    return (
        f"the graph was written by TensorFlow {version}, but the server of tag {tag} is older: it must have every "
        f"operation of the graph{listed}",
    )
