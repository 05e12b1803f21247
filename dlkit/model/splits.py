"""Read a split of a run's data, as its training did."""

from dlkit.data.fingerprint import record_fingerprint
from dlkit.data.recorded import dataset_of
from dlkit.data.splits import check_finite, check_fits, load_splits, resized_spec, resizer
from dlkit.errors import DlkitError, located
from dlkit.interfaces.data import Split
from dlkit.model.trained import TrainedModel
from dlkit.recipe.places import hint_at_new_place


def read_split(trained: TrainedModel, split: str) -> Split:
    """Read one split; train and validation are those that training used, any other is the source's own.

    Raises InputError when its inputs are not such as the network takes, or when it contains NaN or infinity.
    """
    recipe = trained.loaded.recipe
    try:
        with hint_at_new_place(trained.loaded):
            data = _loaded(trained, split)
        check_fits(data, split, resized_spec(recipe.data, trained.built.description))
        check_finite(data, split)
        trained.built.check_examples(data, split)
    except DlkitError as error:
        raise located(error, recipe.data.source.location) from error
    return data


def read_unchanged(trained: TrainedModel, split: str) -> Split:
    """Read a split as read_split does; raise CheckError when it is no longer the data that the run has recorded."""
    data = read_split(trained, split)
    record_fingerprint(trained.run, split, data)
    return data


def _loaded(trained: TrainedModel, split: str) -> Split:
    recipe = trained.loaded.recipe
    dataset = dataset_of(trained.run, recipe)
    if split == "test":
        return dataset.load("test", resizer(recipe.data))
    splits = load_splits(recipe.data, dataset, trained.built.task.stratified)
    if split == "validation" and splits.validation is not None:
        return splits.validation
    return splits.train if split == "train" else dataset.load(split, resizer(recipe.data))
