from datetime import timedelta
from typing import Final

_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)


def span_between(shortest: timedelta, longest: timedelta) -> str:
    """Word how long something takes as a range in one unit, or as one number where both are alike."""
    unit, word = _unit(longest)
    low, high = (_number(length / unit) for length in (shortest, longest))
    if low == high:
        return f"about {high} {word}"
    return f"{low}–{high} {word}"  # noqa: RUF001 - a range is written with an en dash


def coarse(length: timedelta) -> str:
    """Word a length in one unit, so that a sentence does not change with every look."""
    length = max(length, timedelta())
    unit, word = _unit(length)
    return f"{_number(length / unit)} {word}"


def _unit(length: timedelta) -> tuple[timedelta, str]:
    if length < 2 * _MINUTE:
        return _SECOND, "s"
    return (_MINUTE, "min") if length < 2 * _HOUR else (_HOUR, "h")


def _number(value: float) -> str:
    if value >= 10:  # noqa: PLR2004 - below ten a tenth counts
        return str(round(value))
    return f"{value:.1f}".removesuffix(".0")
