import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from models.errors import InvalidInput

LONGEST_DAYS: Final = 3650

_WAY_OUT: Final = f"Use a number of days from 1 to {LONGEST_DAYS}, such as 90, or a date, such as 2027-06-30."


def parse_expiry(given: str, *, now: datetime, field: str = "expires") -> datetime | None:
    """Return when a token ends that is to last for a number of days, or through a date in UTC.

    "" and `never` give None: it is valid until it is revoked. Raises InvalidInput, naming `field`, for
    anything else, for a date that is over, and for one further away than `LONGEST_DAYS`.
    """
    text = given.strip().lower()
    if text in {"", "never"}:
        return None
    expires_at = _after_days(text, now) or _after_date(text)
    if expires_at is None:
        raise InvalidInput(field, f"{given!r} is no expiry. {_WAY_OUT}")
    if not now < expires_at <= now + timedelta(days=LONGEST_DAYS + 1):
        raise InvalidInput(field, f"{given!r} is over already, or too far away. {_WAY_OUT}")
    return expires_at


def _after_days(text: str, now: datetime) -> datetime | None:
    found = re.fullmatch(r"([0-9]{1,5})d?", text)
    return now + timedelta(days=int(found[1])) if found else None


def _after_date(text: str) -> datetime | None:
    try:
        last_day = date.fromisoformat(text)
        return datetime.combine(last_day + timedelta(days=1), time(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
