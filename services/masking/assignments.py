import re
import string
from collections.abc import Callable
from typing import Final, NamedTuple

from services.masking.keys import MASK, WORD_IN_TEXT, is_secret_key, names_the_secret

# A value in quotes, and nothing glued to it.
QUOTED: Final = re.compile(
    r"\"[^\"\\]*(?:\\.[^\"\\]*)*\"(?=[\s,;:}\])#]|$)|'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'(?=[\s,;:}\])#]|$)"
)
_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_KEY = r"[\w.@$/-]"
_KEY_BEFORE = re.compile(rf"{_KEY}{{0,100}}\Z")
_KEY_AFTER = re.compile(rf"{_KEY}{{0,100}}")
_ASSIGNED = re.compile(
    r"\\{0,3}[\"']?\]?\s{0,20}(?::=|=>|[:=])\s{0,200}(?:[!&][\w!:/.-]{1,60}\s{1,20})?\\{0,3}(?=\S|$)"
)
_FLAGGED = re.compile(r"\s{1,20}(?=[^\s-])")
# What follows the word where devices and netrc files write a secret without a sign between.
_DEVICE = re.compile(r"\s{1,9}\d{1,2}\s{1,9}(?=\S)")
_SCALAR = re.compile(
    r"(?:(?P<word>true|false|null|none|yes|no|on|off)|[+-]?\d+(?:\.\d+)?)(?=\s*(?:[,;}\])#]|$))",
    re.IGNORECASE,
)


class Assigned(NamedTuple):
    """What a line assigns to a secret's key: where the key begins in the line, and where the value does."""

    key: int
    value: int


def mask_assigned(line: str, masked: Callable[[str, Assigned], tuple[str, int]], *, mask: str = MASK) -> str:
    """Mask what is assigned to a secret's key in a line, each value as `masked` says.

    `masked` takes the line and a place in it; it returns what is shown of the value, and where the line goes
    on after it. A word such as `true` is shown, and a number where the key does not end with the word.
    """
    shown: list[str] = []
    position = 0
    small = lowered(line)
    while position < len(line) and (word := WORD_IN_TEXT.search(small, position)):
        before = _KEY_BEFORE.search(line, max(position, word.start() - 100), word.start())
        start = before.start() if before else word.start()
        after = _KEY_AFTER.match(line, word.end())
        end = after.end() if after else word.end()
        key = line[start:end]
        value = _value_start(line, key, end)
        if value is None:
            shown.append(line[position:end])
            position = end
            continue
        scalar = _SCALAR.match(line, value)
        if scalar:
            is_shown = scalar["word"] or not names_the_secret(key)
            text, end = (scalar[0] if is_shown else mask), scalar.end()
        else:
            text, end = masked(line, Assigned(start, value))
        shown += [line[position:value], text]
        position = end
    return "".join([*shown, line[position:]])


def lowered(text: str) -> str:
    """Return a text with small letters, as long as it was: `lower` makes two of some letters."""
    return text.lower() if text.isascii() else text.translate(_SMALL)


def _value_start(line: str, key: str, end: int) -> int | None:
    if not is_secret_key(key):
        return None
    patterns = [_ASSIGNED, _DEVICE, *([_FLAGGED] if key.startswith("-") else [])]
    found = next((match for pattern in patterns if (match := pattern.match(line, end))), None)
    return found.end() if found else None
