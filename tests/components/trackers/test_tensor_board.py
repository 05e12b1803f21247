"""TensorBoard's event files, read with TensorFlow's own reader, and continued after any kill."""

import tensorflow as tf
from tensorflow.core.util.event_pb2 import Event

from dlkit.components.trackers.tensor_board import TensorBoard


def scalars(folder):
    """Return tag, step, value and plugin of all values in the event files of a folder."""
    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        for record in tf.data.TFRecordDataset(str(path)):
            for value in Event.FromString(record.numpy()).summary.value:
                step = Event.FromString(record.numpy()).step
                found.append((value.tag, step, tf.make_ndarray(value.tensor), value.metadata.plugin_data.plugin_name))
    return found


def test_every_column_is_a_scalar_by_epoch_and_settings_are_a_table(tracked):
    run = tracked(**{"training.batch_size": 32})
    tracker = TensorBoard(run)
    tracker.epoch_done(0, {"epoch": 0, "phase": 0, "loss": 0.5, "val_loss": 0.75})
    tracker.end("finished")
    settings, *values = scalars(run.folder)
    assert (settings[0], settings[3]) == ("settings", "text")
    assert b"| `training.batch_size` | `32` |" in settings[2][0]
    assert [(tag, step, float(value)) for tag, step, value, _ in values] == [("loss", 0, 0.5), ("val_loss", 0, 0.75)]
    assert {plugin for *_, plugin in values} == {"scalars"}


def test_an_epoch_is_on_disk_as_soon_as_it_is_done(tracked):
    run = tracked()
    tracker = TensorBoard(run)
    tracker.epoch_done(0, {"loss": 0.5})
    assert [tag for tag, *_ in scalars(run.folder)] == ["settings", "loss"]
    tracker.end("failed")


def test_a_continued_training_has_every_step_once_wherever_it_was_killed(tracked):
    run = tracked()
    tracker = TensorBoard(run)
    for epoch in range(2):
        tracker.epoch_done(epoch, {"loss": 0.5, "val_loss": 0.75})
    tracker.end("failed")
    (path,) = run.folder.iterdir()
    path.write_bytes(path.read_bytes()[:-3])  # killed while it wrote val_loss of epoch 1
    again = TensorBoard(run)
    assert again.recorded == {"loss": 1, "val_loss": 0}
    for epoch in range(3):
        again.epoch_done(epoch, {"loss": 0.5, "val_loss": 0.75})
    again.end("finished")
    path.write_bytes(path.read_bytes()[: -(len(path.read_bytes()) - complete(path))])
    steps = [(tag, step) for tag, step, *_ in scalars(run.folder)]
    assert [step for tag, step in steps if tag == "loss"] == [0, 1, 2]
    assert [step for tag, step in steps if tag == "val_loss"] == [0, 1, 2]
    assert [tag for tag, _ in steps].count("settings") == 1


def complete(path):
    """Return the size of a file's complete records: TensorFlow's reader refuses the others, TensorBoard waits."""
    content, size = path.read_bytes(), 0
    while size + 12 <= len(content) and (end := size + 16 + int.from_bytes(content[size : size + 8], "little")):
        if end > len(content):
            break
        size = end
    return size
