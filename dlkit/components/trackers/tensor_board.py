"""A tracker that writes TensorBoard's event files."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.framework.summary_pb2 import DATA_CLASS_SCALAR as SCALAR
from tensorflow.core.framework.summary_pb2 import DATA_CLASS_TENSOR as TENSOR
from tensorflow.core.framework.summary_pb2 import SummaryMetadata
from tensorflow.core.util.event_pb2 import Event

from dlkit.interfaces.reporter import Outcome
from dlkit.interfaces.tracker import TrackedRun, Tracker

SETTINGS = "settings"
# A record of an event file: its length as 8 bytes, their checksum as 4, its content, the content's checksum as 4.
_LENGTH, _HEAD, _TAIL = 8, 12, 4


class TensorBoard(Tracker):
    """Writes TensorBoard's event files into the run: show them with `tensorboard --logdir RUN/trackers`.

    Every column of the history is a scalar by epoch. It needs no other package than TensorFlow to write them.
    """

    def __init__(self, run: TrackedRun) -> None:
        super().__init__()
        self.recorded = _last_steps(run.folder)
        is_new = not self.recorded
        self._writer = tf.summary.create_file_writer(str(run.folder))
        if is_new:
            with self._writer.as_default():
                tf.summary.write(SETTINGS, [_as_markdown(run.settings)], step=0, metadata=_shown_as("text", TENSOR))

    def write(self, epoch: int, values: Mapping[str, float]) -> None:
        """Write an epoch's values as scalars."""
        with self._writer.as_default():
            for name, value in values.items():
                tf.summary.write(name, tf.constant(value), step=epoch, metadata=_shown_as("scalars", SCALAR))
        self._writer.flush()

    def end(self, outcome: Outcome) -> None:
        """Close the file."""
        self._writer.close()


def _shown_as(plugin: str, data_class: int) -> Any:
    """Return what TensorBoard shows a value with; tf.summary.scalar needs the package tensorboard for it."""
    return SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin), data_class=data_class)


def _as_markdown(settings: Mapping[str, Any]) -> str:
    """Return a table, which TensorBoard shows as such."""
    rows = (f"| `{key}` | `{json.dumps(value)}` |" for key, value in settings.items())
    return "\n".join(["| key | value |", "|---|---|", *rows])


def _last_steps(folder: Path) -> dict[str, int]:
    """Return the last step of each scalar in the event files of a folder."""
    found: dict[str, int] = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        for event in _events(path.read_bytes()):
            for value in event.summary.value:
                if value.tag != SETTINGS:
                    found[value.tag] = max(event.step, found.get(value.tag, -1))
    return found


def _events(content: bytes) -> Iterator[Any]:
    """Yield the complete events of a file; the last one may have been cut off by a killed process."""
    start = 0
    while start + _HEAD <= len(content):
        end = start + _HEAD + int.from_bytes(content[start : start + _LENGTH], "little")
        if end + _TAIL > len(content):
            return
        yield Event.FromString(content[start + _HEAD : end])
        start = end + _TAIL
