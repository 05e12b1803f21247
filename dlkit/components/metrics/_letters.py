"""Letters of a CTC output, and how many edits separate them from a transcript. All of it runs in graphs."""

from typing import Any

from keras import ops

from dlkit.components.metrics._on_probabilities import best_class


def greedy(scores: Any) -> Any:
    """Return the letter that each frame of the most probable alignment adds to the text, int32 (n, frames), else -1.

    scores: (n, frames, classes), logits or probabilities; the last class is blank. A letter that repeats the frame
    before it adds nothing.
    """
    best = best_class(scores)
    blank = scores.shape[-1] - 1
    before = ops.pad(best[:, :-1], [[0, 0], [1, 0]], constant_values=blank)
    adds = ops.logical_and(best != blank, best != before)
    return ops.where(adds, best, -ops.ones_like(best))


def moved_left(letters: Any) -> Any:
    """Return letters int32 (n, places) in the same order without the gaps (-1) between them, and -1 after them."""
    count = ops.shape(letters)[1]
    places = ops.expand_dims(ops.arange(count), 0)
    order = ops.argsort(places + count * ops.cast(letters < 0, places.dtype), axis=1)
    return ops.take_along_axis(letters, order, axis=1)


def edit_distance(truth: Any, letters: Any) -> Any:
    """Return the Levenshtein distance of each pair of texts, int32 (n,).

    truth: int32 (n, longest), -1 after the end; letters: int32 (n, places), -1 where there is none. The distances of
    all beginnings of both texts are computed row by row (Wagner and Fischer, 1974): one row for each letter of truth.
    """
    found = moved_left(letters)
    sizes = ops.sum(ops.cast(found >= 0, "int32"), axis=1)
    found = found[:, : ops.max(sizes)]
    places = ops.arange(ops.shape(found)[1] + 1, dtype="int32")
    gaps = places[:, None] - places[None, :]
    steps = ops.where(gaps >= 0, gaps, ops.full_like(gaps, 1 << 20))  # (to, from): letters added between them

    def row(at: Any, distances: Any) -> Any:
        letter = ops.take(truth, at, axis=1)[:, None]
        replaced = distances[:, :-1] + ops.cast(found != letter, "int32")
        left_out = distances + 1
        best = ops.concatenate([left_out[:, :1], ops.minimum(replaced, left_out[:, 1:])], axis=1)
        after = ops.min(best[:, None, :] + steps[None], axis=-1)
        return at + 1, ops.where(letter >= 0, after, distances)

    start = ops.broadcast_to(places[None], (ops.shape(found)[0], ops.shape(places)[0]))
    _, last = ops.while_loop(lambda at, _: at < ops.shape(truth)[1], row, (0, start))
    return ops.take_along_axis(last, sizes[:, None], axis=1)[:, 0]
