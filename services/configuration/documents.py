from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

from services.configuration.scalars import RawScalar

# The keys under which a file says what it is, the surer first.
KIND_KEYS: Final = ("kind", "@odata.type")
_LONGEST_KIND: Final = 200
# What is of one of these types equals nothing of another type.
_UNMISTAKABLE = frozenset({str, type(None), RawScalar})


class ReadAs(StrEnum):
    """How a file is compared: by its values, or by its lines."""

    VALUES = "values"
    LINES = "lines"


@dataclass(frozen=True, kw_only=True)
class Structure:
    """One file's content as values: a JSON file's one document, a YAML file's documents, a text's lines.

    A document is made of dicts with text keys, lists, text, numbers, booleans, None, and RawScalar for a
    scalar that none of these spells as the file does. The one document of LINES is the list of its lines.
    `anchors` are the names that a YAML file gives to values, and those values.
    """

    documents: tuple[Any, ...]
    anchors: tuple[tuple[str, Any], ...] = field(default=(), compare=False)
    read_as: ReadAs = field(default=ReadAs.VALUES, compare=False)


class Reading(NamedTuple):
    """What the reader of one format found in a text.

    `documents` is None where none were built: because that was not wanted, because the text does not parse
    (`error`), or because it has more structure than is built (`as_lines`).
    """

    kind: str | None = None
    error: str | None = None
    documents: Sequence[Any] | None = None
    as_lines: bool = False
    anchors: Sequence[tuple[str, Any]] = ()


def is_kind(value: object) -> bool:
    """Return whether a value is a word that says what a file is, one that a row can hold."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_KIND and value.isprintable()


def same(one: Any, other: Any) -> bool:
    """Return whether two values are the same: 1, 1.0, True and "1" all differ; key order does not count."""
    if plainly_same(one, other):
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, float) and repr(one) == repr(other)


def plainly_same(one: Any, other: Any) -> bool:
    """Return, quickly, whether two values are the same; False: `same` may still find that they are."""
    return bool(one == other) and _are_alike(one, other)


def _are_alike(one: Any, other: Any) -> bool:
    """Return whether the types of two equal values are equal too, all the way down."""
    if isinstance(one, dict):
        return _UNMISTAKABLE.issuperset(map(type, one.values())) or all(
            _are_alike(value, other[key]) for key, value in one.items()
        )
    if isinstance(one, list):
        return _UNMISTAKABLE.issuperset(map(type, one)) or all(map(_are_alike, one, other))
    return type(one) is type(other) and (not isinstance(one, float) or repr(one) == repr(other))


def frozen(value: Any) -> Hashable:
    """Return what is equal and hashes alike for the same values, and for no others."""
    if isinstance(value, dict):
        return (dict, frozenset((key, frozen(inner)) for key, inner in value.items()))
    if isinstance(value, list):
        return (list, tuple(map(frozen, value)))
    return (type(value), repr(value) if isinstance(value, float) else value)
