"""The part of the recipe format that says what `dlkit search` tries; it can also stand in a file of its own."""

from typing import Annotated, Any

from pydantic import Field, PositiveInt, model_validator

from dlkit.recipe.section import Section, Seed


class _Range(Section):
    """A range, both ends included."""

    @model_validator(mode="after")
    def _in_order(self) -> "_Range":
        low, high = getattr(self, "low"), getattr(self, "high")  # noqa: B009
        if low > high:
            raise ValueError(f"low is {low}, above high, which is {high}")
        if getattr(self, "log") and (low <= 0 or getattr(self, "step", None) not in (None, 1)):  # noqa: B009
            raise ValueError("log: true needs low above 0 and takes no step")
        return self


class FloatRange(_Range):
    """Numbers from low to high, as of Optuna's suggest_float."""

    low: float
    """The lowest value."""
    high: float
    """The highest value."""
    step: Annotated[float, Field(gt=0)] | None = None
    """The distance of neighbouring values; any value without it."""
    log: bool = False
    """Whether to draw on a logarithmic scale."""


class IntRange(_Range):
    """Whole numbers from low to high, as of Optuna's suggest_int."""

    low: int
    """The lowest value."""
    high: int
    """The highest value."""
    step: PositiveInt = 1
    """The distance of neighbouring values."""
    log: bool = False
    """Whether to draw on a logarithmic scale."""


class Dimension(Section):
    """The values of one key: exactly one of float, int and categorical."""

    as_float: FloatRange | None = Field(default=None, alias="float")
    """A range of numbers."""
    as_int: IntRange | None = Field(default=None, alias="int")
    """A range of whole numbers."""
    categorical: Annotated[list[Any], Field(min_length=1)] | None = None
    """A list of values, each as it would be written in the recipe."""
    also: list[str] = []
    """Further keys that get the same value, such as the width of other layers."""

    @model_validator(mode="after")
    def _one_kind(self) -> "Dimension":
        if sum(kind is not None for kind in (self.as_float, self.as_int, self.categorical)) != 1:
            raise ValueError("expected one of float, int and categorical")
        return self

    @property
    def is_logarithmic(self) -> bool:
        """Return whether values are drawn on a logarithmic scale."""
        return any(ends is not None and ends.log for ends in (self.as_float, self.as_int))

    @property
    def extremes(self) -> list[Any]:
        """Return the values to check: both ends of a range, or every choice."""
        if self.categorical is not None:
            return self.categorical
        ends = self.as_float or self.as_int
        assert ends is not None
        return [getattr(ends, "low"), getattr(ends, "high")]  # noqa: B009


class Search(Section):
    """A search: how many trials, how values are chosen, and when a trial is stopped early."""

    trials: PositiveInt = 100
    """The number of trials, those that failed included."""
    seed: Seed = 0
    """The seed of the sampler; the recipe has its own."""
    sampler: str | dict[str, dict[str, Any]] = "TPESampler"
    """A sampler of Optuna, by name or as one name with its settings."""
    pruner: str | dict[str, dict[str, Any]] = "NopPruner"
    """A pruner of Optuna, by name or as one name with its settings."""
    space: Annotated[dict[str, Dimension], Field(min_length=1)]
    """The values to try, by key of the recipe as with --set."""
