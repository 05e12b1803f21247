"""The tables that are included in scikit-learn, as the lines of CSV files."""

import csv
import io

from dlkit.errors import InputError


def sample_lines(name: str, target: str) -> list[str]:
    """Return a table of scikit-learn as CSV, with a header and the target, named `target`, as the last column.

    Classes are written by name; in `diabetes`, whose targets are values, inputs have their units. Spaces in names are
    written as underscores.
    """
    from sklearn import datasets

    settings = {"scaled": False} if name == "diabetes" else {}
    source = getattr(datasets, f"load_{name}")(**settings)
    names = [str(column).replace(" ", "_") for column in source.feature_names]
    if target in names:
        raise InputError(f"sample {name} has a feature {target!r}", "give its target another name, such as `kind`")
    classes = getattr(source, "target_names", None)
    targets = source.target.tolist() if classes is None else [str(classes[label]) for label in source.target]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow([*names, target])
    writer.writerows([*map(_written, row), _written(label)] for row, label in zip(source.data, targets, strict=True))
    return stream.getvalue().splitlines()


def _written(value: float | str) -> float | str:
    """Return whole numbers without a decimal point."""
    return int(value) if not isinstance(value, str) and float(value).is_integer() else value
