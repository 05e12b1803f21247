"""What training says about its data: an unused validation split, and classes without examples."""

import numpy as np

from dlkit.data.notes import notes
from dlkit.data.splits import load_splits
from dlkit.interfaces.data import ArraySpec, Description, Split
from dlkit.recipe.schema import Data, Validation

CLASSES = ("a", "b", "c")


class Source:
    """Twelve examples of two of three classes in train, and three of all in another split."""

    def __init__(self, *splits):
        self.targets = {"train": np.arange(12) % 2} | {name: np.arange(3) for name in splits}

    def describe(self):
        counts = {name: len(targets) for name, targets in self.targets.items()}
        return Description(ArraySpec((1,), "float32"), ArraySpec((), "int64"), CLASSES, counts)

    def load(self, split, resize):
        targets = self.targets[split]
        return Split(np.zeros((len(targets), 1), np.float32), targets)


def data(**validation):
    return Data.model_construct(resize=None, patch=None, limit=None, validation=Validation(**validation))


def test_a_split_is_used_where_there_is_one_and_a_fraction_elsewhere():
    both = data(split="validation", fraction=0.25)
    assert len(load_splits(both, Source("validation"), True).validation) == 3
    parts = load_splits(both, Source("test"), True)
    assert (len(parts.train), len(parts.validation)) == (9, 3)
    assert not [text for text in notes(both, Source("validation"), {}) if "not used" in text]


def test_an_unused_validation_split_is_named_with_the_line_to_write():
    (text,) = notes(data(fraction=0.25), Source("validation"), {})
    assert text == (
        "the validation split of the data (3 examples) is not used; to validate on it: "
        '--set "data.validation={split: validation}"'
    )
    assert notes(data(fraction=0.25), Source("test"), {}) == ()


def test_classes_without_examples_are_named():
    source = Source("validation")
    splits = {name: source.load(name, None) for name in ("train", "validation")}
    assert notes(data(split="validation"), source, splits) == ("train has no examples of c",)
