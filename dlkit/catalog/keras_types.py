"""Infer the types of Keras arguments from their docstrings; an ambiguous description means Any."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

PositiveInteger = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]

# Start of a description, in lower case and without articles, and the type that it implies.
_WORDINGS: tuple[tuple[str, Any], ...] = (
    (r"int,? or tuple(/list)? of \d (integers?|ints)\b(?!, or tuple)", PositiveInteger | list[PositiveInteger]),
    (r"integer or tuple(/list)? of \d integers? specifying", PositiveInteger | list[PositiveInteger]),
    (r"int(eger)?, size of the (max )?pooling window", PositiveInteger | list[PositiveInteger]),
    (r"int(eger)? or none\. specifies how much the pooling window moves", PositiveInteger | list[PositiveInteger]),
    (r"(positive integer|positive int)\b(?! or)", PositiveInteger),
    (r"int(eger)?, (the )?dimension(ality)? of the output space", PositiveInteger),
    (r"int(eger)?, the (height|width) of the output shape", PositiveInteger),
    (r"number of (epochs|steps) ", Annotated[int, Field(ge=0)]),
    (r"int(eger)?[,.;:](?! or)(?!.* or (tuple|list))", int),
    (r"int(eger)? (representing|specifying|to use|value)\b", int),
    (r"bool(ean)?\b(?! or)(?!, or)", bool),
    (r"whether (or not )?to\b", bool),
    (r"if `?(true|false)`?,", bool),
    (r"float,? between 0 and 1\b(?! or)", Fraction),
    (r"float, the (scale|offset) to apply", float | list[Any]),
    (r"(small )?float(ing point)?( value)?[,.;:](?! or)(?!.{0,20}list)", float),
    (
        r"float(ing point)?( value)? (representing|added|to avoid|used|>=|hyperparameter|or a constant float tensor)",
        float,
    ),
    (r"small constant for numerical stability", float),
    (r"float, a `keras\.optimizers", float),
    (r"(optional )?(string )?name (of|for) the ", str),
    (r"string name of", str),
    (r"(quantity to be monitored|metric name to monitor)", str),
)
_CHOICE = re.compile(
    r"(either|one of|supported (values|options)( are)?:?|string,) ?`*\{?((,? ?(or )?`*['\"]\w+['\"]`*)+)"
)
_QUOTED = re.compile(r"['\"](\w+)['\"]")


def described_type(text: str, default: Any) -> Any:
    """Return the type that a description implies; where it is unclear, a bool or float default decides."""
    plain = re.sub(r"^(\(optional\)|optional|an?|the|python|string\.)\s+", "", text.lower()).strip()
    plain = re.sub(r"^(an?|the|python)\s+", "", plain)
    choices = _choices(plain, text)
    if choices is not None and (default is None or not isinstance(default, str) or default.lower() in choices[1]):
        return choices[0]
    for wording, kind in _WORDINGS:
        if re.match(wording, plain):
            return kind
    return _type_of_default(default)


def _choices(plain: str, text: str) -> tuple[Any, list[str]] | None:
    """Return the type and the words that a description allows if it lists them at the start, otherwise None."""
    match = _CHOICE.search(plain[:400])
    if match is None or "list" in plain[: match.start()] or " int" in plain[:120] or "integer" in plain[:60]:
        return None
    words = _QUOTED.findall(match.group(4))
    if len(words) < 2:
        return None
    kind: Any = Literal[tuple(words)]
    if "case-insensitive" in text:
        kind = Annotated[kind, BeforeValidator(_lower)]
    return kind, words


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _type_of_default(default: Any) -> Any:
    if isinstance(default, bool):
        return bool
    return float | list[Any] if isinstance(default, float) else Any
