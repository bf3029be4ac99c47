import codecs
import json
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import yaml

from services.configuration.scalars import DEEPEST, RawScalar, TooComplex, mapping, number
from services.configuration.yaml import yaml_documents

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MARKS = tuple(mark for mark, _ in _BYTE_ORDER_MARKS)
MOST_LINES = 200_000
# What is of one of these types equals nothing of another type.
_UNMISTAKABLE = frozenset({str, type(None), RawScalar})


class Form(StrEnum):
    """How a file is compared: by its values, or by its lines."""

    VALUES = "values"
    LINES = "lines"


@dataclass(frozen=True, kw_only=True)
class Structure:
    """One file's content as values: a JSON file's one document, a YAML file's documents, a text's lines.

    A document is made of dicts with text keys, lists, text, numbers, booleans, None, and RawScalar for a
    scalar that none of these spells as the file does. The one document of LINES is the list of its lines.
    """

    documents: tuple[Any, ...]
    form: Form = field(default=Form.VALUES, compare=False)


def parse_structure(path: str, content: bytes) -> Structure | None:
    """Read a file by its ending: JSON and YAML as values, every other text as lines.

    None: not text (neither UTF-8 nor marked as UTF-16, or with NUL in it), JSON or YAML that does not parse,
    or more than 200,000 lines. JSON and YAML nested deeper than 200, or YAML of more than 200,000 values once
    its aliases are followed, are read as lines. A key given twice holds the list of its values.
    """
    encoding = encoding_of(content)
    reader = _READERS.get(path.rpartition(".")[2].lower())
    try:
        text = content.decode(encoding)
        if reader is not None:
            return Structure(documents=tuple(reader(text)))
    except (TooComplex, RecursionError):
        pass
    except (yaml.YAMLError, ValueError):
        return None
    if "\0" in text or text.count("\n") > MOST_LINES:
        return None
    return Structure(documents=(lines_of(text),), form=Form.LINES)


def encoding_of(content: bytes) -> str:
    """Return the encoding that a byte-order mark names, UTF-8 without one."""
    if not content.startswith(_MARKS):
        return "utf-8"
    return next(name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark))


def lines_of(text: str) -> list[str]:
    """Return a text's lines without their ends; a last line without an end is a line like the others."""
    lines = text.replace("\r\n", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same: 1, 1.0, True and "1" are four values, key order is none."""
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
    """Tell quickly of most values that are the same that they are; False: look closer."""
    return bool(one == other) and _are_alike(one, other)


def _are_alike(one: Any, other: Any) -> bool:
    """Tell of two equal values whether their types are equal too, all the way down."""
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


def _json_documents(text: str) -> list[Any]:
    value = _DECODER.decode(text)
    if text.count("[") + text.count("{") > DEEPEST and _is_deep([[value]]):
        raise TooComplex
    return [value]


def _integer(text: str) -> int | RawScalar:
    # JavaScript and PostgreSQL's own readers agree on the numbers up to here.
    value = int(text) if len(text) <= 15 else None  # noqa: PLR2004 - digits below 2 to the 53rd
    return RawScalar(text, "int") if value is None or (value == 0 and text != "0") else value


def _is_deep(values: Sequence[Any]) -> bool:
    """Tell whether any of the values has lists and mappings in it beyond the limit, level by level."""
    for _ in range(DEEPEST + 1):
        values = [inner for value in values for inner in _inner(value)]
        if not values:
            return False
    return True


def _inner(value: dict[str, Any] | list[Any]) -> Iterable[dict[str, Any] | list[Any]]:
    found = value.values() if isinstance(value, dict) else value
    return [inner for inner in found if isinstance(inner, dict | list)]


_DECODER = json.JSONDecoder(
    object_pairs_hook=mapping,
    parse_int=_integer,
    parse_float=number,
    parse_constant=lambda word: RawScalar(word, "float"),
)
_READERS = {"json": _json_documents, "yaml": yaml_documents, "yml": yaml_documents}
