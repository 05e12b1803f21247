"""The recipe format, version 1. Every key a recipe may hold stands here, with its type and its meaning."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

from dlkit.components import Component, Place


class Section(BaseModel):
    """A part of a recipe: unknown keys are errors, numbers and strings are not converted into one another."""

    model_config = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True)


class Validation(Section):
    """Which examples are held out of train: a fraction, one fold of several, or a split of the source."""

    fraction: Annotated[float, Field(gt=0, lt=1, description="share of train that is held out")] | None = None
    fold: Annotated[NonNegativeInt, Field(description="the fold that is held out, counted from 0")] | None = None
    of: Annotated[int, Field(ge=2, description="number of folds")] | None = None
    split: Annotated[str, Field(description="a split that the source itself has")] | None = None
    seed: NonNegativeInt = 0

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
    width: PositiveInt
    interpolation: Literal["bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5"] = "bilinear"
    crop_to_aspect_ratio: bool = False
    antialias: bool = False


class Data(Section):
    """Where examples come from and what happens to them before the network."""

    source: Annotated[Component, Place("dataset")]
    limit: Annotated[PositiveInt, Field(description="train on a stratified sample of this many examples")] | None = None
    validation: Validation | Literal["none"] = "none"
    resize: Resize | None = None
    augment: list[Annotated[Component, Place("augment")]] = []
    preprocess: list[Annotated[Component, Place("layer")]] = []


class Training(Section):
    """How the network is trained; what changes results is always said here, never guessed from the machine."""

    batch_size: PositiveInt = 32
    epochs: PositiveInt
    seed: NonNegativeInt = 0
    precision: Literal["float32", "float64", "mixed_bfloat16"] = "float32"
    shuffle: bool = True
    optimizer: Annotated[Component, Place("optimizer")]
    monitor: (
        Annotated[str, Field(description="the metric that decides the best checkpoint, such as val_loss")] | None
    ) = None
    callbacks: list[Annotated[Component, Place("callback")]] = []


class Counts(Section):
    """Parameter counts of the whole network."""

    total: NonNegativeInt
    trainable: NonNegativeInt | None = None
    non_trainable: NonNegativeInt | None = None


class Bound(Section):
    """What a metric must reach, and what the lecture printed."""

    at_least: float | None = None
    at_most: float | None = None
    lecture: float | None = None


# A list in YAML; strict mode alone would ask for a Python tuple.
Row = Annotated[tuple[str, list[int | None], NonNegativeInt], Field(strict=False)]


class Expect(Section):
    """The contract: what the lecture printed, checked by summary, validate --build, train and evaluate."""

    parameters: Counts | None = None
    layers: (
        Annotated[
            list[Row],
            Field(description="one row per layer: [class, output shape without the batch, parameters]"),
        ]
        | None
    ) = None
    split: Literal["test", "validation", "train"] = "test"
    metrics: dict[str, Bound] = {}


class Recipe(Section):
    """One experiment from data to export."""

    recipe: Literal[1] = Field(description="version of this format")
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="names the run directories")]
    task: Annotated[Component, Place("task")]
    data: Data
    model: Annotated[Component, Place("model")]
    training: Training
    expect: Expect = Expect()

