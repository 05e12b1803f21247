"""How much the last step of a recurrent layer depends on earlier inputs, before and after training."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.gradient_through_time import gradient_through_time_figure
from dlkit.plots.examples import layer_named, split_of

if TYPE_CHECKING:
    from dlkit.model.trained import TrainedModel


def plot(
    run: "TrainedModel", *, layer: str | None = None, example: int = 0, split: str | None = None
) -> Mapping[str, Figure | dict[str, Any]]:
    """|dh_T/di_(T-k)| of a SimpleRNN, LSTM or GRU against its bound, before and after training, with the numbers."""
    from dlkit.evaluation.through_time import forward_of, is_recurrent, measured
    from dlkit.model.build import build_model

    name, data = split_of(run, split)
    index = min(example, len(data) - 1)
    raw = np.asarray(data.inputs[index : index + 1])
    chosen = layer_named(run.built.network.layers, layer, is_recurrent, "one state per step, a SimpleRNN, LSTM or GRU")
    seen = run.built.preprocess(raw, training=False)
    found = {"after": measured(run.built.network, chosen.name, seen)}
    found["before"] = measured(build_model(run.loaded.recipe, run.built.description).network, chosen.name, seen)
    content = {
        "layer": chosen.name,
        "kind": type(forward_of(chosen)).__name__,
        "split": name,
        "example": index,
        **found,
    }
    title = f"Gradient through time of {chosen.name}, example {index} of {name}"
    return {
        f"gradient-through-time-{chosen.name}": gradient_through_time_figure(title, content),
        f"gradient-through-time-{chosen.name}-numbers": content,
    }
