import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

DEEPEST: Final = 200
TOO_DEEP: Final = "nested too deeply"


class TooComplex(Exception):
    """A file has more structure than is built: it is nested too deeply, or grows too large."""


@dataclass(frozen=True, slots=True)
class RawScalar:
    """A scalar as its file spells it, and its type: `yes` is a bool, `x` of `!Ref x` a !Ref."""

    text: str
    type: str

    def __str__(self) -> str:
        return f"{self.type} {self.text}" if self.type.startswith("!") else self.text


def number(text: str) -> float | RawScalar:
    """Return a float, or the text as written where the float is spelled another way or not finite."""
    try:
        value = float(text)
    except ValueError:
        return RawScalar(text, "float")
    return value if math.isfinite(value) and repr(value) == text else RawScalar(text, "float")


def mapping(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs as a dict, in order; a key given twice holds the list of its values."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    values: dict[str, list[Any]] = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    return {key: given[0] if len(given) == 1 else given for key, given in values.items()}
