import re
import unicodedata
from datetime import UTC, datetime
from typing import Final

# What the fonts inside the PDF compiler have no glyphs for, or what its text shaping does not take in any
# order: combining marks, scripts written from right to left, and everything that is not listed here.
_UNPRINTABLE: Final = re.compile(
    "[^ -~\u00a0-\u02ff\u0370-\u03ff\u0400-\u0482\u048a-\u04ff\u1e00-\u1eff"
    "\u2010-\u2027\u2030-\u2040\u20a0-\u20c0\u2190-\u22ff\u2500-\u25ff]"
)
_AFTER_MARKS: Final = re.compile(r"(?<=[._=:;\]}])(?=[^\s\d]\S{5})")
_LONG_KIND: Final = 22
_THOUSANDS: Final = 10_000
_MILLIONS: Final = 999_500

# What stands where there is no value.
NONE: Final = "\N{EN DASH}"
_BREAK: Final = "\u200b"
# A hyphen or slash is a place to break, but not before a digit.
_UNBROKEN: Final = rf"(?:[^ /{_BREAK}-]|[/-](?=\d))"
_LONG_RUN: Final = re.compile(f"{_UNBROKEN}{{22}}(?={_UNBROKEN})")
_INNER_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])")


def visible(text: str) -> str:
    """Write out what cannot be seen, or would turn its neighbours round, by its code point."""
    if text.isprintable():
        return text
    return "".join(character if _is_visible(character) else _escape(character) for character in text)


def printable(text: str) -> str:
    """Write out what the PDF's fonts cannot show; accents are composed first, so that they can be."""
    composed = unicodedata.normalize("NFC", visible(text))
    return _UNPRINTABLE.sub(lambda found: _escape(found[0]), composed)


def breakable(text: str) -> str:
    """Mark where a word may break over lines: behind its inner punctuation, and somewhere if it is long.

    The template turns the marks into places without a character, so that what is copied is the text.
    """
    return _LONG_RUN.sub(lambda found: found[0] + _BREAK, _AFTER_MARKS.sub(_BREAK, text))


def words_of_kind(kind: str) -> str:
    """Mark where a long kind may break: before its inner words, as in `windowsKioskConfiguration`."""
    return _INNER_CAPITAL.sub(_BREAK, kind) if len(kind) > _LONG_KIND else kind


def kind_name(kind: str) -> str:
    """Shorten a kind that names its type in full, like `#microsoft.graph.windowsKioskConfiguration`."""
    return kind.rpartition(".")[2] if kind.startswith("#") and not kind.endswith(".") else kind


def shortened(text: str, limit: int) -> str:
    """Cut a text to at most `limit` characters, the last of them an ellipsis."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def shortened_path(path: str, limit: int) -> str:
    """Cut a path in its middle: both its folder and its name tell something."""
    if len(path) <= limit:
        return path
    tail = (limit - 1) * 2 // 3
    return f"{path[: limit - 1 - tail]}…{path[-tail:]}"


def number(value: float) -> str:
    """Write a whole number with its thousands apart."""
    return f"{value:,.0f}"


def rounded(value: float) -> str:
    """Write a number with room for four characters: 9,999 in full, then thousands and millions."""
    if value < _THOUSANDS:
        return number(value)
    return f"{value / 1000:.0f}k" if value < _MILLIONS else f"{value / 1_000_000:.0f}M"


def counted(count: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def moment(at: datetime) -> str:
    """Write a moment in UTC, to the minute."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def day(at: datetime) -> str:
    """Write the day of a moment in UTC."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y}"


def _is_visible(character: str) -> bool:
    # Spaces of every width are seen well enough, and so is a line's end.
    return character.isprintable() or character == "\n" or unicodedata.category(character) == "Zs"


def _escape(character: str) -> str:
    return f"\\u{{{ord(character):x}}}"
