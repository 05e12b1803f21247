"""Transcription: the text that is said in a recording."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from pydantic import Field

from dlkit.components.layers.blank_padding import real_frames
from dlkit.components.losses._ctc import TranscriptCTC
from dlkit.components.metrics._letters import edit_distance, greedy
from dlkit.components.metrics.exact_match import ExactMatch
from dlkit.components.metrics.label_error_rate import LabelErrorRate
from dlkit.errors import InputError
from dlkit.figures.transcripts import SHOWN, Heard, transcripts_figure
from dlkit.formatting import measured
from dlkit.interfaces.data import Description, Split
from dlkit.interfaces.task import Examined, Report, TargetSpec, Task, main_output


@dataclass(frozen=True, kw_only=True)
class Transcription(Task):
    """Predicts the letters that are said, with connectionist temporal classification (CTC; Graves, 2006).

    The network returns logits for every frame: one per letter of the source's alphabet, and a last one for blank. Texts
    are read from the most probable alignment; with a `beam_width` above 1, they are the most probable of the texts that
    a beam search with so many beginnings finds. The confidence of a text is the probability of that alignment or, with
    beams, the sum over the alignments that the search has seen. The metrics during training read greedily.
    """

    beam_width: Annotated[int, Field(ge=1, le=1000)] = 1

    monitor = "val_label_error_rate"
    spells = "letters"

    def target_spec(self, description: Description) -> TargetSpec:
        """Return the letters of a transcript; raise InputError if the data has none."""
        names = description.class_names
        if description.targets.shape != (None,) or not names:
            raise InputError(
                "task transcription needs a transcript for every recording", "use a source such as audio_folder"
            )
        return TargetSpec((None,), names, others=1)

    def check(self, network: keras.Model, targets: TargetSpec) -> None:
        """Raise InputError unless the output is (frames, letters + 1)."""
        shape, classes = tuple(main_output(network.output).shape[1:]), len(targets.class_names) + 1
        if len(shape) != 2 or shape[-1] != classes:
            raise InputError(
                f"the last layer returns {list(shape)}, but a transcript of {classes - 1} letters needs "
                f"[frames, {classes}]: their logits, and that of blank",
                f"end with Dense: {{units: {classes}}} and BlankPadding",
            )

    def check_examples(self, split: Split, name: str, outputs_of: Callable[[np.ndarray], Any]) -> None:
        """Raise InputError for a recording with fewer frames than its transcript needs.

        That is one for each letter, and a blank between equal neighbours. Only the shortest recording of all that need
        as many frames is put through the network.
        """
        needs = np.asarray([_frames_needed(split.targets[index]) for index in range(len(split))])
        for need in np.unique(needs):
            rows = np.flatnonzero(needs == need)
            row = int(rows[split.inputs.lengths[rows].argmin()])
            frames = _frames(outputs_of, split.inputs[np.asarray([row])])
            if frames < need:
                raise InputError(
                    f"{split.name(row, name)} is too short: its {split.inputs.lengths[row]:,} samples give {frames} "
                    f"frames, but its transcript needs {need}",
                    "correct the transcript, remove the recording, or use a smaller frame_step or fewer strides",
                )

    def prepare_targets(self, targets: Any, inputs: Any, network: keras.Model) -> Any:
        """Return the letters int32 (n, longest), -1 after the end."""
        del inputs, network
        return ops.cast(targets, "int32")

    def loss_for(self, network: keras.Model) -> Any:
        """Return CTC with the true lengths of frames and letters."""
        del network
        return TranscriptCTC()

    def metrics_for(self, network: keras.Model) -> list[Any]:
        """Return the label error rate and the share of transcripts without error."""
        del network
        return [LabelErrorRate(), ExactMatch()]

    def outputs(self, output: Any) -> dict[str, Any]:
        """Return `log_probabilities` (n, frames, letters + 1), `letters` int32 (n, frames), and `confidence` (n,).

        letters: those of the text in order, with -1 between and after them. Read greedily, each is at its frame.
        """
        logs = ops.log_softmax(output, axis=-1)
        if self.beam_width == 1:
            letters, score = greedy(logs), ops.sum(ops.max(logs, axis=-1), axis=-1)
        else:
            letters, score = self._searched(logs)
        return {"log_probabilities": logs, "letters": letters, "confidence": ops.exp(score)}

    def _searched(self, logs: Any) -> tuple[Any, Any]:
        """Return the letters (n, frames) of the best text that a beam search finds, and its log probability (n,)."""
        shape = ops.shape(logs)
        found, scores = ops.ctc_decode(
            logs,
            ops.broadcast_to(shape[1], (shape[0],)),
            strategy="beam_search",
            beam_width=self.beam_width,
            top_paths=1,
            mask_index=logs.shape[-1] - 1,
        )
        return ops.cast(found[0], "int32"), ops.cast(scores[:, 0], logs.dtype)

    def describe_prediction(self, outputs: Mapping[str, Any], class_names: tuple[str, ...]) -> dict[str, Any]:
        """Return the text and its confidence."""
        return {"text": text_of(outputs["letters"], class_names), "confidence": float(outputs["confidence"])}

    def prediction_columns(self, described: Mapping[str, Any]) -> dict[str, str]:
        """Return text and confidence."""
        return {"text": described["text"], "confidence": measured(described["confidence"])}

    def report(self, batches: Iterable[Examined], class_names: tuple[str, ...]) -> Report:
        """Return one row per recording, the worst first; the figures of the worst; error rates of the texts as read."""
        heard = sorted(_heard(batches, class_names), key=lambda one: (-one.edits, one.confidence))
        letters, edits = sum(len(one.truth) for one in heard), sum(one.edits for one in heard)
        exact = sum(one.truth == one.text for one in heard)
        rates = {"label_error_rate": edits / max(1, letters), "exact_match": exact / max(1, len(heard))}
        names = ("recording", "truth", "text", "edits", "confidence")
        table = [{name: getattr(one, name) for name in names} for one in heard]
        figures = {"transcripts": partial(transcripts_figure, heard[:SHOWN], len(heard) - exact, len(heard))}
        in_order = np.asarray([one.edits for one in sorted(heard, key=lambda one: one.recording)], np.float64)
        return Report(table, figures, rows_are="recording", metrics=rates, answers={"error": in_order})


def text_of(letters: Any, class_names: tuple[str, ...]) -> str:
    """Return the text of letter indices (places,), of which -1 is none."""
    return "".join(class_names[index] for index in np.asarray(letters) if index >= 0)


def _frames_needed(letters: np.ndarray) -> int:
    return len(letters) + int(np.sum(letters[1:] == letters[:-1]))


def _frames(outputs_of: Callable[[np.ndarray], Any], recordings: np.ndarray) -> int:
    """Return the number of frames of the output; 0 for a recording that is shorter than a window of some layer."""
    try:
        return int(main_output(outputs_of(recordings)).shape[1])
    except (ValueError, tf.errors.InvalidArgumentError):
        return 0


def _heard(batches: Iterable[Examined], class_names: tuple[str, ...]) -> Iterator[Heard]:
    """Yield what was said and what was read in every recording; only the texts and the worst sounds are kept."""
    number = 0
    for batch in batches:
        edits = np.asarray(edit_distance(ops.convert_to_tensor(batch.targets), batch.outputs["letters"]))
        frames = np.asarray(ops.sum(ops.cast(real_frames(batch.outputs["log_probabilities"]), "int32"), axis=1))
        path = np.asarray(greedy(ops.convert_to_tensor(batch.outputs["log_probabilities"])))
        for row, letters in enumerate(batch.targets):
            yield Heard(
                number,
                text_of(letters, class_names),
                text_of(batch.outputs["letters"][row], class_names),
                int(edits[row]),
                float(batch.outputs["confidence"][row]),
                batch.inputs[row][np.isfinite(batch.inputs[row])],
                [class_names[index] if index >= 0 else "" for index in path[row][: frames[row]]],
                batch.sampling_rate,
            )
            number += 1
