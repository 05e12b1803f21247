"""Examples of one split that another one contains too, by the fingerprints of their inputs."""

from dataclasses import dataclass

from dlkit.data.report import Copies, all_splits, copies_of, exact_duplicates
from dlkit.interfaces.data import Dataset
from dlkit.recipe.schema import Recipe

LEAST, SHARE = 5, 0.005


@dataclass(frozen=True)
class Leak:
    """So many of the examples of one split are also in another; `first` names a few pairs."""

    split: str
    other: str
    count: int
    examples: int
    first: list[list[str]]


@dataclass(frozen=True)
class Shared:
    """The pair of splits that share most examples, None if no two share more than chance explains; counts as texts."""

    worst: Leak | None
    texts: list[str]


def shared_examples(recipe: Recipe, dataset: Dataset) -> Shared:
    """Return which examples several splits contain.

    Data with few possible inputs repeats them within a split as often as across splits; that is no leak.
    """
    copies = copies_of(all_splits(recipe, dataset))
    counts = exact_duplicates(copies)
    texts = [f"{count:,} within {name}" for name, count in counts["within"].items() if count]
    texts += [f"{count:,} of {pair}" for pair, count in counts["across"].items() if count]
    return Shared(max(_leaks(copies), key=lambda leak: leak.count / leak.examples, default=None), texts)


def _leaks(copies: Copies) -> list[Leak]:
    found = []
    for index, name in enumerate(copies.names):
        own = copies.numbers[copies.splits == index]
        repeated = len(own) - len(set(own.tolist()))
        for earlier in range(index):
            other = set(copies.numbers[copies.splits == earlier].tolist())
            shared = [number for number in own.tolist() if number in other]
            if len(shared) >= max(LEAST, SHARE * len(own)) and len(shared) > 3 * repeated:
                found.append(Leak(name, copies.names[earlier], len(shared), len(own), _first(copies, shared[:3])))
    return found


def _first(copies: Copies, numbers: list[int]) -> list[list[str]]:
    return [[copies.examples[index] for index in (copies.numbers == number).nonzero()[0]] for number in numbers]
