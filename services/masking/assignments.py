import re
import string
from collections.abc import Callable
from typing import Final, NamedTuple

from services.masking.keys import MASK, WORD_IN_TEXT, is_secret_key, measures, names_the_secret

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
# `Password (admin): x`, `Password for root = x`.
_ASSIGNED_LATER = re.compile(
    r"[ \t]{1,3}(?:\([^()]{1,40}\)\s{0,5}[:=]|(?:[\w.@-]{1,30}[ \t]{1,3}){1,2}=)(?!=)\s{0,9}(?=\S)"
)
_FLAGGED = re.compile(r"\s{1,20}(?=[^\s-])")
# What follows the word where devices write in which form a secret follows; not `password 8 characters`.
_DEVICE = re.compile(
    r"\s{1,9}\d{1,2}\s{1,9}(?!(?:day|hour|minute|second|week|month|year|char|digit|letter|time|bit|byte)s?)(?=\S)"
)
_SPACE = re.compile(r"\s{1,9}")
_SPACED = re.compile(r"\s{1,9}(?P<word>[^\s\"'<>|]{5,256})")
_NO_SECRET = re.compile(
    r"v?\d[\d.,:/-]*|\d+-?[a-z]+|[a-z]{2,10}-?v?\d{1,4}(?:[.-]\d{1,4}){0,2}|802\.1x|.*[…{}%].*|[\[$(&*-].*|.*\(.*"
    r"|[\w.+-]+@[\w-]+\.[\w.-]+|.*(?:://|\\\\).*",
    re.IGNORECASE,
)
_LETTER, _DIGIT, _SIGN = re.compile(r"[A-Za-z]"), re.compile(r"\d"), re.compile(r"[!@#$^*+=~&]")
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
    on after it. A word such as `true` is shown, and a number where the key does not end with the word. Where
    no sign assigns, a text in quotes and a word that looks like a secret are masked: `password x9-Kd`.
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
        if not is_secret_key(key):
            shown.append(line[position:end])
        elif (value := _value_start(line, key, end)) is not None:
            text, end = mask_value(line, Assigned(start, value), masked, key=key, mask=mask)
            shown += [line[position:value], text]
        elif spaced := _spaced(line, end):
            shown += [line[position : spaced[0]], mask]
            end = spaced[1]
        else:
            shown.append(line[position:end])
        position = end
    return "".join([*shown, line[position:]])


def mask_value(
    line: str, at: Assigned, masked: Callable[[str, Assigned], tuple[str, int]], *, key: str, mask: str
) -> tuple[str, int]:
    """Return what is shown of the value at a place, and where it ends: see mask_assigned."""
    scalar = _SCALAR.match(line, at.value)
    if scalar is None:
        return masked(line, at)
    is_shown = scalar["word"] or measures(key) or not names_the_secret(key)
    return (scalar[0] if is_shown else mask), scalar.end()


def lowered(text: str) -> str:
    """Return a text with small letters, as long as it was: `lower` makes two of some letters."""
    return text.lower() if text.isascii() else text.translate(_SMALL)


def _value_start(line: str, key: str, end: int) -> int | None:
    patterns = [_ASSIGNED, _DEVICE, *([_FLAGGED] if key.startswith("-") else []), _ASSIGNED_LATER]
    found = next((match for pattern in patterns if (match := pattern.match(line, end))), None)
    return found.end() if found else None


def _spaced(line: str, end: int) -> tuple[int, int] | None:
    """Return where a value begins and ends that only a space parts from its key."""
    space = _SPACE.match(line, end)
    if space and (quoted := QUOTED.match(line, space.end())) and len(quoted[0]) > len('""'):
        return quoted.start() + 1, quoted.end() - 1
    word = _SPACED.match(line, end)
    if word is None or not _looks_secret(word["word"].rstrip(".,;:!?)")):
        return None
    return word.start("word"), word.start("word") + len(word["word"].rstrip(",;"))


def _looks_secret(word: str) -> bool:
    has = [bool(pattern.search(word)) for pattern in (_LETTER, _DIGIT, _SIGN)]
    return has[0] and any(has[1:]) and not _NO_SECRET.fullmatch(word)
