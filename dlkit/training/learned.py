"""What a network of a few weights has learned: its weights, and its answer to every training example."""

from typing import Any

import numpy as np

from dlkit.interfaces.data import Split
from dlkit.interfaces.task import main_output
from dlkit.model.built import BuiltModel

MOST_PARAMETERS, MOST_EXAMPLES = 20, 20


def learned(built: BuiltModel, train: Split) -> dict[str, Any]:
    """Return `weights` and `samples` of a network that one can work by hand, nothing for a larger one.

    `weights` has name and values of every weight, in float precision. `samples` has one entry per training example:
    its input, target and output, and for classes whether the largest output is right.
    """
    if built.network.count_params() > MOST_PARAMETERS or len(train) > MOST_EXAMPLES:
        return {}
    inputs, targets = train.read(np.arange(len(train)))
    answers = built.network(built.preprocess(inputs, training=False), training=False)
    outputs = np.asarray(main_output(answers))
    scores = np.asarray(built.outputs(answers)[built.scores]) if built.scores else None
    samples = [
        {"input": row.tolist(), "target": target.tolist(), "output": output.tolist()}
        | ({} if scores is None else {"right": bool(np.argmax(scores[number]) == target)})
        for number, (row, target, output) in enumerate(zip(inputs, targets, outputs, strict=True))
    ]
    weights = [{"name": item.path, "values": np.asarray(item).tolist()} for item in built.network.weights]
    return {"weights": weights, "samples": samples}
