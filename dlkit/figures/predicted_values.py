"""Plot predicted against true values of a regression."""

import numpy as np
from matplotlib.figure import Figure


def predicted_values_figure(truth: np.ndarray, predicted: np.ndarray) -> Figure:
    """Return a figure of true and predicted values (values, n); perfect predictions lie on the diagonal."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot()
    for index, (true_row, predicted_row) in enumerate(zip(truth, predicted, strict=True)):
        axes.plot(true_row, predicted_row, "o", markersize=4, label=f"value {index}")
    low, high = min(truth.min(), predicted.min()), max(truth.max(), predicted.max())
    axes.plot([low, high], [low, high], color="grey", linewidth=1)
    axes.set(xlabel="true", ylabel="predicted")
    if len(truth) > 1:
        axes.legend()
    return figure
