"""What all parts of the recipe format share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

# NumPy and Keras take no larger ones.
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Section(BaseModel):
    """A part of a recipe; unknown keys are errors, and numbers and strings are not converted to each other."""

    model_config = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True, use_attribute_docstrings=True)
