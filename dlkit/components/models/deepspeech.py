"""DeepSpeech (Hannun et al., 2014, arXiv 1412.5567) and the variants of it that differ in the recurrent layer."""

from typing import Annotated, Any, Literal

import keras
from keras import layers
from pydantic import Field

from dlkit.components.layers._clipped_cell import ClippedCell
from dlkit.components.layers._masks import masked_call, start_mask
from dlkit.components.layers.blank_padding import BlankPadding
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec


def deepspeech(
    inputs: ArraySpec,
    targets: TargetSpec,
    *,
    units: Annotated[int, Field(ge=1)] = 2048,
    recurrent: Literal["lstm", "bidirectional_lstm", "bidirectional"] = "lstm",
    clip: Annotated[float, Field(gt=0)] = 20.0,
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
) -> keras.Model:
    """Build DeepSpeech: three dense layers, a recurrent one, a fifth dense one, and logits for letters and blank.

    Dense layers end with ReLU, clipped at `clip`. `recurrent` is the fourth layer: `lstm` as in Mozilla's DeepSpeech
    (47,224,861 parameters for 494 inputs and 28 letters), `bidirectional` as in the paper, two clipped recurrences that
    share their input weights and are added, or `bidirectional_lstm`, whose outputs are added too. inputs: frames with
    their context, (None, features). `dropout` follows each dense layer but the last.
    """
    if len(inputs.shape) != 2:
        raise InputError(
            f"deepspeech takes frames of features, but the examples have the shape {list(inputs.shape)}",
            "preprocess recordings with STFTSpectrogram, LogMel and ContextFrames",
        )
    network_input = keras.Input(inputs.shape, dtype=inputs.dtype, name="inputs")
    values, mask = start_mask(network_input)
    chain = [layer for number in (1, 2, 3) for layer in _hidden(number, units, clip, dropout)]
    chain += [*_recurrent(recurrent, units, clip), *_hidden(5, units, clip, dropout)]
    chain += [layers.Dense(len(targets.class_names) + 1, name="letters"), BlankPadding(name="output")]
    for layer in chain:
        values, mask = masked_call(layer, values, mask)
    return keras.Model(network_input, values, name="deepspeech")


def _hidden(number: int, units: int, clip: float, dropout: float) -> list[Any]:
    """Return a dense layer with clipped ReLU, and its dropout."""
    dense = [layers.Dense(units, name=f"hidden{number}"), layers.ReLU(clip, name=f"clipped{number}")]
    return dense + ([layers.Dropout(dropout, name=f"dropout{number}")] if dropout else [])


def _recurrent(kind: str, units: int, clip: float) -> list[Any]:
    if kind == "bidirectional":
        cell = layers.RNN(ClippedCell(units, clip), return_sequences=True)
        return [layers.Dense(units, name="hidden4"), layers.Bidirectional(cell, merge_mode="sum", name="recurrent4")]
    lstm = layers.LSTM(units, return_sequences=True, name="hidden4")
    return [lstm] if kind == "lstm" else [layers.Bidirectional(lstm, merge_mode="sum", name="recurrent4")]
