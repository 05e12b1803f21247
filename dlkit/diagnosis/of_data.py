"""What is wrong with the data: leaks, ranges of inputs, labels."""

import numpy as np

from dlkit.diagnosis.finding import Finding
from dlkit.diagnosis.inputs import ranges
from dlkit.diagnosis.leaks import Leak
from dlkit.diagnosis.signals import Part, Signals
from dlkit.formatting import percent, rounded
from dlkit.training.balance import imbalance_warning
from dlkit.training.pixels import backbone_warning

LARGE, SMALL = 20.0, 0.01
"""Inputs of a size above LARGE make the first steps far too long; below a spread of SMALL, examples hardly differ."""
SURE_SHARE, SUSPECT_SHARE, LEAST_SUSPECTS, FAIR = 0.3, 0.004, 5, 0.75
SURE = 0.9


def leak(found: Leak | None) -> Finding | None:
    """Report examples that a split shares with another one."""
    if found is None:
        return None
    share = percent(found.count / found.examples)
    counted = f"{found.count:,} of {found.examples:,} examples of {found.split}"
    evidence = [f"{counted} have the same bytes as one of {found.other}", *map(" = ".join, found.first)]
    says = f"{share} of {found.split} is also in {found.other}: its scores are too good"
    advice = f"remove the shared examples from {found.other}: dlkit data lists the first"
    return Finding("leak", says, tuple(evidence), advice)


def input_range(signals: Signals) -> Finding | None:
    """Find inputs that are not scaled, or scaled so often that examples hardly differ."""
    names = [component.name for component in signals.recipe.data.preprocess]
    if signals.recipe.model.name == "pretrained" or "ApplicationPreprocessing" in names:
        return _backbone_range(signals)
    measured = signals.numeric and signals.train.seen.dtype.kind == "f"
    seen = ranges(signals.built, signals.train.inputs, signals.train.seen) if measured else None
    if seen is None:
        return None
    low, high = (rounded(value, 3) for value in seen.seen)
    evidence = [f"the inputs of the first layer with weights lie between {low} and {high}"]
    if seen.raw is not None:
        evidence.append(f"the data lies between {rounded(seen.raw[0], 3)} and {rounded(seen.raw[1], 3)}")
    if seen.size > LARGE:
        says = "the inputs are not scaled: large inputs make the first steps too long and activations saturate"
        return Finding("inputs_not_scaled", says, tuple(evidence), _scaling(signals))
    if seen.spread < SMALL:
        evidence.append(f"data.preprocess is {', '.join(names) or 'empty'}")
        says = "the inputs hardly differ from example to example: they are scaled more than once"
        advice = "scale once: remove all but one of the scaling layers"
        return Finding("inputs_scaled_twice", says, tuple(evidence), advice)
    return None


def _backbone_range(signals: Signals) -> Finding | None:
    """Find pixels that do not reach a pretrained backbone as those did that it was trained on."""
    problem = backbone_warning(signals.built, signals.loaded)
    if problem is None:
        return None
    says = "data.preprocess is not that of the pretrained network: missing, doubled or another network's"
    return Finding("preprocessing_does_not_fit", says, (problem.message,), problem.hint)


def _scaling(signals: Signals) -> str:
    images = len(signals.built.description.inputs.shape) == 3
    return "add Rescaling: {scale: 1/255} to data.preprocess" if images else "add Normalization to data.preprocess"


def labels_do_not_fit(signals: Signals) -> Finding | None:
    """Find labels or values that do not depend on the inputs: neither the network nor a linear model beats chance."""
    held = signals.held
    if held is None or signals.linear is None or len(held.targets) < 50 or not signals.at_chance:
        return None
    linear = signals.linear_score(held)
    if linear is None or linear > signals.constant_score(held) + signals.noise(held):
        return None
    evidence = (
        f"validation: the network has {said(signals, signals.score(held))}, a linear model "
        f"{said(signals, linear)}, a constant answer {said(signals, signals.constant_score(held))}",
        f"train: the network has {said(signals, signals.score(signals.train))}",
    )
    says = "nothing that can be predicted: the targets do not seem to belong to the inputs"
    return Finding("labels_do_not_fit", says, evidence, "check that inputs and targets are in the same order")


def said(signals: Signals, score: float) -> str:
    """Return a score with its name."""
    return f"accuracy {percent(round(score, 4))}" if signals.classifies else f"R2 {score:.3f}"


def suspects(signals: Signals) -> tuple[Part, np.ndarray]:
    """Return train or validation, and the rows of its examples with suspect labels, the surest first.

    The network, with a probability above SURE, and a linear model agree on another class. Both rarely make the same
    mistake, and a healthy network is right where it is sure; wrong labels are as common there as elsewhere.
    """
    parts = [signals.train] + ([signals.held] if signals.held is not None else [])
    found = [(part, _suspects(signals, part)) for part in parts]
    return max(found, key=lambda pair: len(pair[1]) / len(pair[0].targets))


def _suspects(signals: Signals, part: Part) -> np.ndarray:
    if signals.linear is None:
        return np.array([], int)
    probabilities = part.outputs[str(signals.built.scores)]
    predicted, sure = probabilities.argmax(axis=-1), probabilities.max(axis=-1)
    second = signals.linear.predict(part.seen)
    rows = np.flatnonzero((predicted != part.targets) & (predicted == second) & (sure > SURE))
    return np.asarray(rows[np.argsort(-sure[rows], kind="stable")])


def suspect_labels(signals: Signals) -> Finding | None:
    """Find labels that a good network and a linear model both contradict."""
    if not signals.classifies or signals.linear is None:
        return None
    part, rows = suspects(signals)
    share, score = len(rows) / len(part.targets), signals.score(signals.judged)
    few = len(rows) < LEAST_SUSPECTS or min(share, _errors_when_sure(signals, part)) < SUSPECT_SHARE
    if few or score < FAIR:
        return None
    names = signals.built.class_names
    probabilities = part.outputs[str(signals.built.scores)]
    shown = [
        f"{part.name}[{part.numbers[row]}] is labelled {names[part.targets[row]]}, but the network is "
        f"{percent(round(float(probabilities[row].max()), 4))} sure of {names[probabilities[row].argmax()]}"
        for row in rows[:5]
    ]
    count = f"{len(rows)} of {len(part.targets):,} examples of {part.name} ({percent(round(share, 4))})"
    evidence = (f"the network and a linear model agree on another class for {count}", *shown)
    says = "some labels seem to be wrong: two models contradict them with confidence"
    return Finding(
        "suspect_labels", says, evidence, "look at these examples in `dlkit report`, and correct or remove them"
    )


def _errors_when_sure(signals: Signals, part: Part) -> float:
    """Return the share of wrong answers among the SURE_SHARE of examples of which the network is surest."""
    probabilities = part.outputs[str(signals.built.scores)]
    wrong = probabilities.argmax(axis=-1) != part.targets
    order = np.argsort(-probabilities.max(axis=-1), kind="stable")
    return float(wrong[order[: max(1, int(SURE_SHARE * len(order)))]].mean())


def imbalance(signals: Signals) -> Finding | None:
    """Find rare classes that accuracy hides."""
    counts = signals.record.class_counts
    warning = imbalance_warning(signals.built.task, tuple(counts), tuple(counts.values())) if counts else None
    if warning is None or not signals.classifies:
        return None
    part = signals.judged
    predicted = signals.answers(part)
    recalls = [float((predicted[part.targets == number] == number).mean()) for number in np.unique(part.targets)]
    accuracy, balanced = signals.score(part), float(np.mean(recalls))
    if accuracy - balanced < 0.1:
        return None
    both = percent(round(accuracy, 4)), percent(round(balanced, 4))
    evidence = (
        f"accuracy on {part.name} is {both[0]}, the mean over the classes {both[1]}",
        f"train has {max(counts.values()):,} examples of the most common class, {min(counts.values()):,} of the rarest",
    )
    advice = "set class_weights: balanced, and add the metric BalancedAccuracy"
    return Finding("metric_hides_imbalance", "accuracy hides how bad the rare classes are", evidence, advice)
