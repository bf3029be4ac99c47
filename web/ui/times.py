from datetime import UTC, datetime, timedelta

_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def utc(at: datetime) -> str:
    """Word a moment in UTC, to the second; a script in the page turns it into the reader's own time."""
    moment = at.astimezone(UTC)
    return f"{moment.day} {moment:%b %Y, %H:%M:%S} UTC"


def duration(length: timedelta) -> str:
    """Word how long something took, in two units at most; a negative one (clocks differ) reads as nothing."""
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


def parse(given: str | None) -> datetime | None:
    """Read a moment that a run's context keeps as RFC 3339; None where it is not known."""
    return datetime.fromisoformat(given) if given else None
