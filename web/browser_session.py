"""Who is signed in on a browser, and since when; its signed cookie holds nothing else about them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from flask import session as cookie

from models.access import User
from models.base import utc_now

IDLE: Final = timedelta(hours=12)
LONGEST: Final = timedelta(days=7)

# A cookie with every response would cost more than it tells.
_SEEN_EVERY: Final = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class BrowserSession:
    """One browser's sign-in, as its cookie has it."""

    user_id: UUID
    session_version: int
    signed_in_at: datetime


def begin_session(user: User) -> None:
    """Sign a person in on this browser; the cookie before is dropped whole, form tokens included."""
    now = int(utc_now().timestamp())
    cookie.clear()
    cookie.permanent = True
    cookie.update(user_id=str(user.id), version=user.session_version, signed_in_at=now, seen_at=now)


def end_session() -> None:
    """Sign out on this browser."""
    cookie.clear()


def present_session() -> BrowserSession | None:
    """Return this browser's sign-in; None without one, or past its idle time or longest life."""
    now = utc_now()
    try:
        signed_in_at, seen_at = (
            datetime.fromtimestamp(cookie[name], UTC) for name in ("signed_in_at", "seen_at")
        )
        found = BrowserSession(
            user_id=UUID(cookie["user_id"]),
            session_version=int(cookie["version"]),
            signed_in_at=signed_in_at,
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if now - signed_in_at > LONGEST or now - seen_at > IDLE:
        return None
    if now - seen_at > _SEEN_EVERY:
        cookie["seen_at"] = int(now.timestamp())
    return found
