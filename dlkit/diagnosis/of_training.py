"""What is wrong with the training: its steps, its units, and what it reached."""

import numpy as np

from dlkit.diagnosis.finding import Finding
from dlkit.diagnosis.of_data import said
from dlkit.diagnosis.of_record import ADVICE_LOWER
from dlkit.diagnosis.signals import Signals
from dlkit.formatting import percent, rounded

FAR, NEAR = 5.0, 0.1
"""How far kernels move, in initial lengths: above FAR the steps are too long, below NEAR too short."""
DEAD, FLAT = 0.5, 0.8
OVERFIT_GAP, FEW_PER_CLASS, TINY_PER_CLASS = 0.08, 200, 60
BELOW_LINEAR, CONFUSED, CONFUSED_EXAMPLES = 0.02, 0.3, 20


def ran_away(signals: Signals) -> Finding | None:
    """Find weights that moved far in a network that is worse than a linear model."""
    if signals.moved is None or signals.moved < FAR or not (_behind(signals) and signals.linear_learns):
        return None
    far = f"the weights moved by {rounded(signals.moved, 2)} times their initial length"
    says = "the learning rate is too high: the weights ran away"
    return Finding("learning_rate_too_high", says, (far, *_scores(signals)), ADVICE_LOWER)


def dead_units(signals: Signals) -> Finding | None:
    """Find layers of which most units never answer."""
    worst = max((found for found in signals.activities if found.dead), key=lambda found: found.dead or 0, default=None)
    if worst is None or worst.dead is None or worst.dead < DEAD:
        return None
    if not signals.has_score or not _behind(signals):
        return None
    count = round(worst.dead * worst.units)
    evidence = (f"{count} of {worst.units} units of {worst.layer} are 0 for every example that was looked at",)
    says = f"most units of {worst.layer} are dead: they are always 0 and get no gradient"
    advice = "start them alive: he_normal weights and a bias of 0, or use leaky_relu"
    return Finding("dead_units", says, (*evidence, *_scores(signals)), advice)


def saturated_units(signals: Signals) -> Finding | None:
    """Find sigmoid or tanh layers whose values are nearly all at their ends, or most of whose units are stuck there."""
    for found in signals.activities:
        if found.low is None or found.high is None or found.stuck is None:
            continue
        flat = found.low + found.high
        if (flat > FLAT and min(found.low, found.high) > 0.1) or (found.stuck > DEAD and _behind(signals)):
            evidence = (
                f"{percent(round(flat, 3))} of the values of {found.layer} are at the ends of its activation",
                f"{percent(round(found.stuck, 3))} of its units are there for every example that was looked at",
            )
            says = f"{found.layer} is saturated: its slopes are nearly 0, so that it hardly learns"
            return Finding("saturated_units", says, evidence, f"use relu in {found.layer}, or smaller initial weights")
    return None


def _behind(signals: Signals) -> bool:
    """Return whether the network is worse than the linear model or than a constant answer."""
    if not signals.has_score:
        return False
    part = signals.judged
    linear = signals.linear_score(part)
    score = signals.score(part)
    return signals.at_chance or (linear is not None and score < linear - BELOW_LINEAR)


def _scores(signals: Signals) -> tuple[str, ...]:
    part = signals.judged
    linear = signals.linear_score(part)
    texts = [f"{part.name}: the network has {said(signals, signals.score(part))}"]
    texts += [] if linear is None else [f"a linear model {said(signals, linear)}"]
    return (", ".join([*texts, f"a constant answer {said(signals, signals.constant_score(part))}"]),)


def rate_too_low(signals: Signals) -> Finding | None:
    """Find weights that hardly moved while the loss was still falling, in a network that is worse than a linear one."""
    losses, first = signals.record.history.get("loss", np.array([])), signals.record.first_loss
    if signals.moved is None or first is None or len(losses) < 2 or signals.moved > NEAR:
        return None
    falling = losses[-1] < losses[-2] and losses[-1] > 0.3 * first
    if not falling or not _behind(signals):
        return None
    evidence = (
        f"the weights moved by {percent(round(signals.moved, 4))} of their initial length",
        f"the loss fell from {rounded(first, 3)} to {rounded(float(losses[-1]), 3)} and was still falling",
        *_scores(signals),
    )
    advice = "train with a learning rate ten times larger: dlkit lr-range proposes one"
    return Finding("learning_rate_too_low", "the learning rate is too low: the weights hardly moved", evidence, advice)


def learnt_by_heart(signals: Signals) -> Finding | None:
    """Find a large gap between the scores on train and on validation, or a tiny part of the source to train on."""
    if signals.held is None or not signals.has_score:
        return None
    train, held = signals.score(signals.train), signals.score(signals.held)
    noise = signals.noise(signals.held)
    record = signals.record
    count, available = record.examples("train") or 0, record.available or 0
    classes = max(1, len(record.class_counts))
    left_out = available > 5 * count
    by_heart = train - held >= max(OVERFIT_GAP, noise) and train >= 0.9
    if not by_heart and not (left_out and count / classes < TINY_PER_CLASS):
        return None
    texts = [
        f"train has {said(signals, train)}, validation {said(signals, held)}",
        f"train has {count:,} examples" + (f" of {available:,} in the source" if left_out else ""),
    ]
    if count / classes < FEW_PER_CLASS or left_out:
        says = "train has too few examples: what is learnt from them does not hold for others"
        advice = "raise data.limit" if left_out else "add examples, or augment those that there are"
        return Finding("few_examples", says, tuple(texts), advice)
    says = "the network overfits: it does much better on train than on validation"
    return Finding("overfitting", says, tuple(texts), "regularise: add Dropout or data.augment")


def below_baseline(signals: Signals) -> Finding | None:
    """Find a network that is worse than a constant answer or than a linear model."""
    if not signals.has_score:
        return None
    part = signals.judged
    score, linear = signals.score(part), signals.linear_score(part)
    margin = max(BELOW_LINEAR, signals.noise(part) / 2)
    if score < signals.constant_score(part) - margin or (signals.at_chance and signals.linear_learns):
        says = f"the network is no better than a constant answer on {part.name}"
        return Finding("worse_than_constant", says, _scores(signals), "check the loss, the last layer and the targets")
    if linear is None or score >= linear - margin:
        return None
    on_train = signals.linear_score(signals.train)
    if on_train is not None and signals.score(signals.train) < on_train - margin:
        says = "the network underfits: a linear model is better even on train"
        return Finding("underfitting", says, _scores(signals), "train longer, or use more units or layers")
    says = f"the network is worse than a linear model on {part.name}"
    return Finding("worse_than_linear", says, _scores(signals), "start from the linear model: a single Dense layer")


def confused_classes(signals: Signals) -> Finding | None:
    """Find a class of which a large share is taken for one other class, by a network that is good at the others."""
    if not signals.classifies or len(signals.built.class_names) < 3 or signals.score(signals.judged) < 0.5:
        return None
    part, classes = signals.judged, len(signals.built.class_names)
    matrix = np.zeros((classes, classes))
    np.add.at(matrix, (part.targets, signals.answers(part)), 1)
    totals = matrix.sum(axis=1)
    shares = matrix / np.maximum(totals, 1)[:, None]
    np.fill_diagonal(shares, 0)
    shares[totals < CONFUSED_EXAMPLES] = 0
    truth, taken = np.unravel_index(int(shares.argmax()), shares.shape)
    if shares[truth, taken] < CONFUSED:
        return None
    names = signals.built.class_names
    evidence = (
        f"{int(matrix[truth, taken])} of {int(totals[truth])} examples of {names[truth]} are taken for {names[taken]}",
    )
    says = f"{names[truth]} is confused with {names[taken]}"
    return Finding("confused_classes", says, evidence, "look at these examples: add more that tell the two apart")
