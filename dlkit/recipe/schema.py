"""The recipe format, version 1: every allowed key with its type and meaning."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from dlkit.catalog.create import Component
from dlkit.catalog.kinds import Place
from dlkit.recipe.few_labels import Consistency, Labelled, PseudoLabels
from dlkit.recipe.search import Search
from dlkit.recipe.section import Section, Seed


class Validation(Section):
    """The examples held out for validation: a fraction of train, one of several folds, or a split of the source."""

    fraction: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The fraction of train that is held out, chosen by the seed."""
    fold: NonNegativeInt | None = None
    """The index of the fold that is held out, starting at 0."""
    of: Annotated[int, Field(ge=2)] | None = None
    """The number of folds."""
    split: str | None = None
    """A split of the source. With a fraction beside it: that split where the source has it, otherwise the fraction."""
    seed: Seed = 0
    """The seed of the choice."""

    @model_validator(mode="after")
    def one_way(self) -> "Validation":
        """Raise ValueError unless one of fraction, fold with of, and split is given, or split with fraction."""
        either = self.split if self.split is not None else self.fraction
        if sum(value is not None for value in (either, self.fold)) != 1:
            raise ValueError("give exactly one of fraction, fold (with of) and split")
        if (self.fold is None) != (self.of is None):
            raise ValueError("fold and of must be given together, for example {fold: 0, of: 10}")
        if self.fold is not None and self.of is not None and self.fold >= self.of:
            raise ValueError(f"fold starts at 0, so with of: {self.of} it can be at most {self.of - 1}")
        return self


class Resize(Section):
    """Resizes all images to the same size before any other step; the keys are those of keras.layers.Resizing."""

    height: PositiveInt
    """The height in pixels."""
    width: PositiveInt
    """The width in pixels."""
    interpolation: Literal["bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5"] = "bilinear"
    """The interpolation method."""
    crop_to_aspect_ratio: bool = False
    """Keep the aspect ratio and crop the excess instead of stretching."""
    antialias: bool = False
    """Apply a low-pass filter before downscaling, to avoid aliasing."""


class Patch(Section):
    """Random crops of train images and their masks; all other splits use whole images."""

    height: PositiveInt
    """The height in pixels."""
    width: PositiveInt
    """The width in pixels."""
    per_image: PositiveInt = 1
    """Crops per image and epoch."""


class Data(Section):
    """The source of the examples and their processing before the network."""

    source: Annotated[Component, Place("dataset")]
    """The dataset."""
    classes: Annotated[list[str], Field(min_length=2)] | None = None
    """The names of the classes to keep, in this order; all classes by default."""
    limit: PositiveInt | None = None
    """Train on a seeded, stratified sample of this many examples, for quick experiments."""
    validation: Validation | Literal["none"] = "none"
    """The validation examples; their metrics select the best checkpoint."""
    labelled: Labelled | None = None
    """Keep the labels of few examples of train; without training.pseudo_labels and consistency, train on them alone."""
    resize: Resize | None = None
    """The size that all images are resized to."""
    patch: Patch | None = None
    """Train on random crops; the network then accepts images of any size that its layers allow."""
    augment: list[Annotated[Component, Place("augment")]] = []
    """Random changes to train inputs, different in every epoch."""
    corrupt: list[Annotated[Component, Place("corrupt")]] = []
    """Noise and masks applied to the inputs but not the targets; for validation they are the same every time."""
    preprocess: list[Annotated[Component, Place("layer")]] = []
    """Keras layers applied before the network and adapted on train; every export includes them."""


class Snapshots(Section):
    """When to save the full training state within an epoch; it is always saved at the end of an epoch."""

    steps: PositiveInt | None = None
    """Save after every N updates."""
    minutes: Annotated[float, Field(gt=0)] = 1.0
    """Save at least every N minutes."""


class Teacher(Section):
    """A trained network whose predictions are mixed into the targets (knowledge distillation)."""

    run: str
    """A finished run with the same classes and inputs, by directory or recipe name; its last weights are used."""
    weight: Annotated[float, Field(gt=0, le=1)] = 0.9
    """The weight of the teacher's probabilities in the targets; the rest comes from the data."""


class Phase(Section):
    """A phase of the training; keys that it omits have the value given under training."""

    epochs: PositiveInt | None = None
    """The maximum number of passes over train in this phase."""
    optimizer: Annotated[Component, Place("optimizer")] | None = None
    """The optimizer; its state is reset at the start of each phase."""
    learning_rates: dict[str, Annotated[float, Field(ge=0)]] | None = None
    """Learning rates by group of layers."""
    trainable: Literal["all"] | list[str] | None = None
    """The groups of layers to train."""
    callbacks: list[Annotated[Component, Place("callback")]] | None = None
    """The callbacks of this phase, which monitor or stop it."""
    augment: list[Annotated[Component, Place("augment")]] | None = None
    """Random changes to train inputs in this phase, instead of those under data."""


class Training(Section):
    """How the network is trained; settings that affect results are given here, never derived from the machine."""

    batch_size: PositiveInt = 32
    """The number of examples per update."""
    epochs: PositiveInt
    """The maximum number of passes over train; with phases, the default of each phase."""
    seed: Seed = 0
    """The seed of the initial weights, the order of examples, dropout and augmentation."""
    precision: Literal["float32", "float64", "mixed_bfloat16", "mixed_float16"] = "float32"
    """The precision of the computation; the mixed ones keep weights in float32."""
    shards: PositiveInt = 1
    """The number of parts that each batch is cut into, each with its own batch statistics; several processes share
    them, and results depend on the parts, not on the processes."""
    shuffle: bool = True
    """Whether to reorder the examples in every epoch."""
    optimizer: Annotated[Component, Place("optimizer")]
    """The optimizer; with `use_ema`, the averaged weights are validated and saved."""
    learning_rates: dict[str, Annotated[float, Field(ge=0)]] = {}
    """Learning rates by group of layers, such as {backbone: 1e-5}; other groups use the optimizer's learning rate."""
    trainable: Literal["all"] | list[str] = "all"
    """The groups of layers to train, such as [head]; the others are frozen."""
    monitor: str | None = None
    """The metric that selects the best checkpoint, such as val_loss; the task's metric by default."""
    monitor_mode: Literal["min", "max"] | None = None
    """Whether the smallest or largest value of monitor is best; required if the metric itself does not define it."""
    callbacks: list[Annotated[Component, Place("callback")]] = []
    """The callbacks, which monitor or stop the training."""
    trackers: list[Annotated[Component, Place("tracker")]] = []
    """Where to record the settings and every epoch's row, beside the run's own files; results do not depend on it."""
    snapshot: Snapshots = Snapshots()
    """When to save the state that --resume continues from within an epoch."""
    teacher: Teacher | None = None
    """A trained network to learn from; it gets the same augmented batches."""
    pseudo_labels: PseudoLabels | None = None
    """Learn from the unlabelled part of data.labelled with predicted classes; an epoch is a pass over that part."""
    consistency: Consistency | None = None
    """Learn from the unlabelled part of data.labelled under strong augmentation; an epoch is a pass over that part."""
    phases: list[Phase] = []
    """Consecutive phases of the training in one run; each may have its own epochs, optimizer and so on."""

    @field_validator("trackers")
    @classmethod
    def _each_once(cls, trackers: list[Component]) -> list[Component]:
        names = [tracker.name for tracker in trackers if tracker.name]
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        if twice:
            raise ValueError(f"{twice[0]} is listed {names.count(twice[0])} times; list it once")
        return trackers


@dataclass(frozen=True)
class ResolvedPhase:
    """The settings of one phase after defaults from the training are applied."""

    epochs: int
    optimizer: Component
    learning_rates: dict[str, float]
    trainable: str | list[str]
    callbacks: list[Component]
    augment: list[Component]


class Counts(Section):
    """Expected parameter counts of the whole network."""

    total: NonNegativeInt
    """The number of all parameters."""
    trainable: NonNegativeInt | None = None
    """The number of parameters that training changes."""
    non_trainable: NonNegativeInt | None = None
    """The number of parameters without gradient updates, such as running means."""


class Bound(Section):
    """Bounds for a metric, and the value printed in the lecture."""

    at_least: float | None = None
    """The lowest accepted value."""
    at_most: float | None = None
    """The highest accepted value."""
    lecture: float | None = None
    """The value printed in the lecture, shown next to the measured value."""


# A list in YAML; strict mode would require a Python tuple.
Row = Annotated[tuple[str, list[int | None], NonNegativeInt], Field(strict=False)]


class Expect(Section):
    """The contract: values printed in the lecture, checked by summary, validate --build, train and evaluate."""

    parameters: Counts | None = None
    """Parameter counts of the whole network."""
    layers: list[Row] | None = None
    """One row per layer: [class, output shape without the batch, parameters]."""
    split: Literal["test", "validation", "train"] = "test"
    """The split on which the metrics are measured."""
    metrics: dict[str, Bound] = {}
    """Bounds by metric name."""

    @property
    def states_counts(self) -> bool:
        """Return whether there are counts or rows to compare a network with."""
        return self.parameters is not None or self.layers is not None


class Recipe(Section):
    """One experiment from data to export."""

    recipe: Literal[1]
    """The version of the recipe format."""
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    """The recipe's name, used for run directories."""
    task: Annotated[Component, Place("task")]
    """The task of the network."""
    data: Data
    """The data and its processing."""
    model: Annotated[Component, Place("model")]
    """The network."""
    training: Training
    """The training settings."""
    search: Search | None = None
    """The settings that `dlkit search` tries."""
    expect: Expect = Expect()
    """The expected parameter counts, layers and metrics."""

    def resolved_phases(self) -> list[ResolvedPhase]:
        """Return the phases with all defaults applied; the whole training is one phase if the recipe has none."""
        names = list(ResolvedPhase.__dataclass_fields__)
        own = {name: getattr(self.data if name == "augment" else self.training, name) for name in names}
        given = [
            {name: value for name in names if (value := getattr(phase, name)) is not None}
            for phase in self.training.phases or [Phase()]
        ]
        return [ResolvedPhase(**(own | phase)) for phase in given]
