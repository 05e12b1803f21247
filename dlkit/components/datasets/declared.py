"""A shape and a number of classes without data, for networks whose data is too large to ship."""

from dataclasses import dataclass
from math import prod
from typing import Annotated

from pydantic import Field

from dlkit.errors import InputError, MissingError
from dlkit.interfaces.data import ArraySpec, Description, Resizer, Split
from dlkit.safety.files import MAX_CLASSES, MAX_VALUES


@dataclass(frozen=True, kw_only=True)
class Declared:
    """Shape and classes (or number of target values) without data: summary works, train reports what to supply.

    With `masks`, every pixel of an image has a class.
    """

    shape: list[Annotated[int, Field(gt=0)] | None]
    classes: Annotated[int, Field(ge=2)] | None = None
    targets: Annotated[int, Field(ge=1)] = 1
    dtype: str | None = None
    masks: bool = False

    def __post_init__(self) -> None:
        values = prod(size or 1 for size in self.shape)
        if values > MAX_VALUES:
            raise InputError(f"the declared shape has {values:.3g} values", f"at most {MAX_VALUES:.0e} are allowed")
        if max(self.classes or 0, self.targets) > MAX_CLASSES:
            raise InputError(
                f"{max(self.classes or 0, self.targets):,} classes or targets are declared",
                f"at most {MAX_CLASSES:,} are allowed",
            )
        if self.masks and (self.classes is None or len(self.shape) != 3):
            raise InputError("masks need classes and images", "give classes, and a shape [height, width, channels]")

    def describe(self) -> Description:
        """Return the declared shape; three dimensions mean uint8 images, anything else float32."""
        dtype = self.dtype or ("uint8" if len(self.shape) == 3 else "float32")
        inputs = ArraySpec(tuple(self.shape), dtype)
        if self.classes is None:
            return Description(inputs, ArraySpec((self.targets,), "float32"))
        names = tuple(str(index) for index in range(self.classes))
        if self.masks:
            return Description(inputs, ArraySpec(tuple(self.shape[:2]), "uint8"), names, unnamed=True)
        return Description(inputs, ArraySpec((), "int64"), names, unnamed=True)

    def check_present(self) -> None:
        """Raise MissingError: there is no data."""
        self.load("train", None)

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Raise MissingError: there is no data."""
        raise MissingError(
            "this recipe declares only the shape of its data, there are no examples to read",
            "set data.source to a dataset of that shape, such as image_folder: {directory: ...} with data.resize, "
            "or arrays: {train: file.npz}",
        )
