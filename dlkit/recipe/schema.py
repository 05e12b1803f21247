"""The recipe format, version 1. Every key a recipe may hold stands here, with its type and its meaning."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

from dlkit.catalog.create import Component
from dlkit.catalog.kinds import Place


class Section(BaseModel):
    """A part of a recipe: unknown keys are errors, numbers and strings are not converted into one another."""

    model_config = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True, use_attribute_docstrings=True)


class Validation(Section):
    """Which examples are held out of train: a fraction, one fold of several, or a split of the source."""

    fraction: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The share of train that is held out, chosen by the seed."""
    fold: NonNegativeInt | None = None
    """The fold of train that is held out, counted from 0."""
    of: Annotated[int, Field(ge=2)] | None = None
    """The number of folds."""
    split: str | None = None
    """A split that the source itself has."""
    seed: NonNegativeInt = 0
    """Seeds the choice."""

    @model_validator(mode="after")
    def one_way(self) -> "Validation":
        """Exactly one of fraction, fold with of, and split is given."""
        if sum(value is not None for value in (self.fraction, self.fold, self.split)) != 1:
            raise ValueError("give exactly one of fraction, fold (with of) and split")
        if (self.fold is None) != (self.of is None):
            raise ValueError("fold and of go together, such as {fold: 0, of: 10}")
        if self.fold is not None and self.of is not None and self.fold >= self.of:
            raise ValueError(f"fold counts from 0, so with of: {self.of} it is at most {self.of - 1}")
        return self


class Resize(Section):
    """Gives all images one size before anything else; the names are those of keras.layers.Resizing."""

    height: PositiveInt
    """In pixels."""
    width: PositiveInt
    """In pixels."""
    interpolation: Literal["bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5"] = "bilinear"
    """How pixels between pixels are computed."""
    crop_to_aspect_ratio: bool = False
    """Keep proportions and cut off what is too much, instead of stretching."""
    antialias: bool = False
    """Smooth before shrinking, so that fine patterns do not turn into coarse ones."""


class Patch(Section):
    """Random crops of train images and their masks; everything else sees whole images."""

    height: PositiveInt
    """In pixels."""
    width: PositiveInt
    """In pixels."""
    per_image: PositiveInt = 1
    """Crops of every image in an epoch."""


class Data(Section):
    """Where examples come from and what happens to them before the network."""

    source: Annotated[Component, Place("dataset")]
    """The dataset."""
    classes: Annotated[list[str], Field(min_length=2)] | None = None
    """The classes that are kept, by name and in this order; all, when it is left out."""
    limit: PositiveInt | None = None
    """Train on a seeded, stratified sample of this many examples, for a quick try."""
    validation: Validation | Literal["none"] = "none"
    """What is held out of train: the metrics on it decide the best checkpoint."""
    resize: Resize | None = None
    """One size for all images."""
    patch: Patch | None = None
    """Train on random crops; the network then takes images of any size that its layers allow."""
    augment: list[Annotated[Component, Place("augment")]] = []
    """Random changes to train inputs, other ones in every epoch."""
    corrupt: list[Annotated[Component, Place("corrupt")]] = []
    """Noise and masks on inputs alone, which the network is to see through; the same ones on validation every time."""
    preprocess: list[Annotated[Component, Place("layer")]] = []
    """Keras layers in front of the network, adapted on train; they travel with the model into every export."""


class Snapshots(Section):
    """When the whole state of a training is saved within an epoch; at the end of an epoch it is saved anyway."""

    steps: PositiveInt | None = None
    """after every so many updates"""
    minutes: Annotated[float, Field(gt=0)] = 1.0
    """at the latest after so many minutes"""


class Teacher(Section):
    """A trained network whose answers are learnt, beside what the data say (knowledge distillation)."""

    run: str
    """A finished run of the same classes and inputs, by its directory or recipe's name; its last weights are taken."""
    weight: Annotated[float, Field(gt=0, le=1)] = 0.9
    """The share of the targets that is the teacher's probabilities; the rest stays as the data say."""


class Phase(Section):
    """A part of the training; what it does not say holds as the training says it."""

    epochs: PositiveInt | None = None
    """Passes over train in this phase, at most."""
    optimizer: Annotated[Component, Place("optimizer")] | None = None
    """Turns gradients into updates; it starts afresh in every phase."""
    learning_rates: dict[str, Annotated[float, Field(ge=0)]] | None = None
    """Learning rates of groups of layers."""
    trainable: Literal["all"] | list[str] | None = None
    """The groups of layers that are trained."""
    callbacks: list[Annotated[Component, Place("callback")]] | None = None
    """What watches or stops this phase."""
    augment: list[Annotated[Component, Place("augment")]] | None = None
    """Random changes to train inputs in this phase, in place of those under data."""


class Training(Section):
    """How the network is trained; what changes results is always said here, never guessed from the machine."""

    batch_size: PositiveInt = 32
    """Examples per update."""
    epochs: PositiveInt
    """Passes over train, at most; with phases, of each phase that does not say its own."""
    seed: NonNegativeInt = 0
    """Seeds start weights, order, dropout and augmentation."""
    precision: Literal["float32", "float64", "mixed_bfloat16"] = "float32"
    """The arithmetic; mixed_bfloat16 keeps weights in float32."""
    shuffle: bool = True
    """A new order in every epoch."""
    optimizer: Annotated[Component, Place("optimizer")]
    """Turns gradients into updates; with `use_ema` the averaged weights are validated and kept."""
    learning_rates: dict[str, Annotated[float, Field(ge=0)]] = {}
    """Learning rates of groups of layers, such as {backbone: 1e-5}; the others have the optimizer's."""
    trainable: Literal["all"] | list[str] = "all"
    """The groups of layers that are trained, such as [head]; the others stay as they are."""
    monitor: str | None = None
    """The metric that decides the best checkpoint, such as val_loss; by default the one of the task."""
    callbacks: list[Annotated[Component, Place("callback")]] = []
    """What watches or stops the training."""
    snapshot: Snapshots = Snapshots()
    """when the state that --resume goes on from is saved within an epoch"""
    teacher: Teacher | None = None
    """A trained network to learn from; it sees every batch as it is augmented."""
    phases: list[Phase] = []
    """Parts of the training, one after the other in one run: each may have its own epochs, optimizer and so on."""


@dataclass(frozen=True)
class ResolvedPhase:
    """What holds in one phase of a training."""

    epochs: int
    optimizer: Component
    learning_rates: dict[str, float]
    trainable: str | list[str]
    callbacks: list[Component]
    augment: list[Component]


class Counts(Section):
    """Parameter counts of the whole network."""

    total: NonNegativeInt
    """All parameters."""
    trainable: NonNegativeInt | None = None
    """Parameters that training changes."""
    non_trainable: NonNegativeInt | None = None
    """Parameters that it does not, such as running means."""


class Bound(Section):
    """What a metric must reach, and what the lecture printed."""

    at_least: float | None = None
    """The lowest value that passes."""
    at_most: float | None = None
    """The highest value that passes."""
    lecture: float | None = None
    """What the lecture printed, shown beside the value."""


# A list in YAML; strict mode alone would ask for a Python tuple.
Row = Annotated[tuple[str, list[int | None], NonNegativeInt], Field(strict=False)]


class Expect(Section):
    """The contract: what the lecture printed, checked by summary, validate --build, train and evaluate."""

    parameters: Counts | None = None
    """Counts of the whole network."""
    layers: list[Row] | None = None
    """One row per layer: [class, output shape without the batch, parameters]."""
    split: Literal["test", "validation", "train"] = "test"
    """The split that the metrics are measured on."""
    metrics: dict[str, Bound] = {}
    """Bounds by the name of a metric."""


class Recipe(Section):
    """One experiment from data to export."""

    recipe: Literal[1]
    """The version of this format."""
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    """Names the run directories."""
    task: Annotated[Component, Place("task")]
    """What the network is for."""
    data: Data
    """Where examples come from."""
    model: Annotated[Component, Place("model")]
    """The network."""
    training: Training
    """How it is trained."""
    expect: Expect = Expect()
    """What must come out."""

    def resolved_phases(self) -> list[ResolvedPhase]:
        """The phases of the training with everything said; the whole training where the recipe has none."""
        names = list(ResolvedPhase.__dataclass_fields__)
        own = {name: getattr(self.data if name == "augment" else self.training, name) for name in names}
        given = [
            {name: value for name in names if (value := getattr(phase, name)) is not None}
            for phase in self.training.phases or [Phase()]
        ]
        return [ResolvedPhase(**(own | phase)) for phase in given]
