"""The parts of the recipe format for data of which only few examples have labels."""

from typing import Annotated

from pydantic import Field, PositiveInt, model_validator

from dlkit.catalog.create import Component
from dlkit.catalog.kinds import Place
from dlkit.recipe.section import Section, Seed

Epoch = Annotated[float, Field(ge=0)]


class Labelled(Section):
    """The examples of train that keep their labels; the rest becomes the unlabelled part, without any label."""

    per_class: PositiveInt
    """How many examples of every class keep their labels."""
    seed: Seed = 0
    """The seed of the choice."""


class Unlabelled(Section):
    """What all methods share that learn from unlabelled examples too."""

    weight: Annotated[float, Field(gt=0)] = 1.0
    """The weight of the mean loss of unlabelled examples; that of labelled ones has the weight 1."""
    ratio: PositiveInt = 7
    """Unlabelled examples for every labelled one in a batch; training.batch_size counts the labelled ones."""
    from_epoch: Epoch = 0.0
    """Where the weight begins to rise from 0, in epochs; it rises in a straight line, update by update."""
    to_epoch: Epoch = 0.0
    """From where on the weight is full, in epochs."""
    threshold: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Leave out predictions with a lower probability."""

    @model_validator(mode="after")
    def _rising(self) -> "Unlabelled":
        if self.to_epoch < self.from_epoch:
            raise ValueError(f"to_epoch is {self.to_epoch:g}, before from_epoch, which is {self.from_epoch:g}")
        return self


class PseudoLabels(Unlabelled):
    """Learn from unlabelled examples with the classes that the network itself predicts (Lee, 2013)."""


class Consistency(Unlabelled):
    """Predict the class of a weakly augmented example (data.augment), and learn it for the same example, augmented
    strongly (FixMatch; Sohn et al., 2020, arXiv 2001.07685)."""

    strong: Annotated[list[Annotated[Component, Place("augment")]], Field(min_length=1)]
    """The strong augmentations, which replace those of data.augment."""
    threshold: Annotated[float, Field(ge=0, lt=1)] = 0.95
    """Leave out predictions with a lower probability."""
