from datetime import UTC, datetime, timedelta

_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def utc(at: datetime) -> str:
    """Word a time in UTC, to the second; a script in the page shows it in the reader's zone."""
    moment = at.astimezone(UTC)
    return f"{moment.day} {moment:%b %Y, %H:%M:%S} UTC"


def duration(length: timedelta) -> str:
    """Word a length of time in two units at most; a negative one (clocks differ) reads 0.0 s."""
    length = max(length, timedelta())
    if length < 10 * _SECOND:
        return f"{length / _SECOND:.1f} s"
    if length < _MINUTE:
        return f"{length // _SECOND} s"
    if length < _HOUR:
        return f"{length // _MINUTE} min {length % _MINUTE // _SECOND} s"
    if length < _DAY:
        return f"{length // _HOUR} h {length % _HOUR // _MINUTE} min"
    return f"{length // _DAY} d {length % _DAY // _HOUR} h"


def duration_between(shortest: timedelta, longest: timedelta) -> str:
    """Word a range of lengths in one unit, or as one number where both round to the same."""
    unit, word = _unit(longest)
    low, high = (_rounded(length / unit) for length in (shortest, longest))
    if low == high:
        return f"about {high} {word}"
    return f"{low}–{high} {word}"  # noqa: RUF001 - a range is written with an en dash


def coarse(length: timedelta) -> str:
    """Word a length in one unit, so that a sentence keeps its words from one poll to the next."""
    length = max(length, timedelta())
    unit, word = _unit(length)
    return f"{_rounded(length / unit)} {word}"


def _unit(length: timedelta) -> tuple[timedelta, str]:
    if length < 2 * _MINUTE:
        return _SECOND, "s"
    return (_MINUTE, "min") if length < 2 * _HOUR else (_HOUR, "h")


def _rounded(value: float) -> str:
    if value >= 10:  # noqa: PLR2004 - below ten a tenth counts
        return str(round(value))
    return f"{value:.1f}".removesuffix(".0")


def parse(given: str | None) -> datetime | None:
    """Return a stored RFC 3339 time; None where it is not known."""
    return datetime.fromisoformat(given) if given else None
