import functools
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from services.configuration.documents import KIND_KEYS, Reading, is_kind
from services.configuration.scalars import DEEPEST, TOO_DEEP, RawScalar, mapping, number

# Python's own limit: `int` reads no longer text.
_MOST_DIGITS: Final = 4_300


def read_json(text: str, *, build: bool) -> Reading:
    """Read a JSON text: its kind, why it does not parse, and its one document where that is wanted.

    A document nested deeper than 200 is fine, but is not built.
    """
    # Only json.loads refuses a second byte-order mark.
    decode = _STRICT.decode if build and not text.startswith("\ufeff") else json.loads
    try:
        value = decode(text)
    except RecursionError:
        return Reading(error=TOO_DEEP, as_lines=True)
    except json.JSONDecodeError as error:
        return Reading(error=f"{error.msg} (line {error.lineno}, column {error.colno})")
    except ValueError as error:
        return _with_huge_numbers(text, str(error)) if build else Reading(error=str(error))
    if not build:
        return Reading(kind=_kind(value))
    return _built(text, value, kind=_kind(_plain(text, value)))


def _with_huge_numbers(text: str, error: str) -> Reading:
    """Build a document whose numbers have more digits than Python reads: an error, with values to show."""
    try:
        return _built(text, _LENIENT.decode(text), error=error)
    except RecursionError:
        return Reading(error=error, as_lines=True)
    except ValueError:
        return Reading(error=error)


def _built(text: str, value: Any, *, kind: str | None = None, error: str | None = None) -> Reading:
    if text.count("[") + text.count("{") > DEEPEST and _is_deep([[value]]):
        return Reading(kind, error, as_lines=True)
    return Reading(kind, error, [value])


def _plain(text: str, value: Any) -> Any:
    """Return a built value whose kind is to be found, as Python reads it where that differs."""
    # A key given twice holds a list here; its last value is the one that counts.
    if isinstance(value, dict) and any(isinstance(value.get(key), list) for key in KIND_KEYS):
        return json.loads(text)
    return value


def _kind(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    return next((value[key] for key in KIND_KEYS if is_kind(value.get(key))), None)


def _integer(text: str, *, strict: bool) -> int | RawScalar:
    # JavaScript and PostgreSQL's own readers agree on the numbers up to here.
    if len(text) <= 15:  # noqa: PLR2004 - digits below 2 to the 53rd
        value = int(text)
        return RawScalar(text, "int") if value == 0 and text != "0" else value
    if strict and len(text) > _MOST_DIGITS:
        int(text)  # raises the ValueError that reading the file raises
    return RawScalar(text, "int")


def _is_deep(values: Sequence[Any]) -> bool:
    """Return whether any of the values has lists and mappings in it beyond the limit, level by level."""
    for _ in range(DEEPEST + 1):
        values = [inner for value in values for inner in _inner(value)]
        if not values:
            return False
    return True


def _inner(value: dict[str, Any] | list[Any]) -> Iterable[dict[str, Any] | list[Any]]:
    found = value.values() if isinstance(value, dict) else value
    return [inner for inner in found if isinstance(inner, dict | list)]


def _decoder(*, strict: bool) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=mapping,
        parse_int=functools.partial(_integer, strict=strict),
        parse_float=number,
        parse_constant=lambda word: RawScalar(word, "float"),
    )


_STRICT, _LENIENT = _decoder(strict=True), _decoder(strict=False)
