import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from models.access import BrowserSession, SignInLink, User
from models.base import Clock, utc_now
from models.errors import Unauthenticated
from services.access.principals import Principal, principal_of_user
from services.hashing import SECRET_BYTES, sha256_of

# A write with each request would cost more than it says.
SEEN_NOTED_EVERY: Final = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class SessionLimits:
    """How long a sign-in lasts: unused, and at the most."""

    idle: timedelta = timedelta(hours=12)
    lifetime: timedelta = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A browser's sign-in and its person."""

    session_id: UUID
    user_id: UUID
    principal: Principal


def begin_session(
    session: Session,
    user: User,
    *,
    address: str,
    browser: str,
    limits: SessionLimits,
    clock: Clock = utc_now,
) -> str:
    """Begin a session of a person on one browser and return its secret, once: only its sha256 is kept.

    `user` is the person as they were when they proved who they are. Raises Unauthenticated where they were
    signed out everywhere since then, as by a new password.
    """
    unchanged = User.id == user.id, User.session_version == user.session_version
    # The lock makes a sign-out at the same time wait, so that it finds this row.
    if session.scalar(select(User.id).where(*unchanged).with_for_update(read=True)) is None:
        raise Unauthenticated
    secret, now = secrets.token_urlsafe(SECRET_BYTES), clock()
    session.add(
        BrowserSession(
            user_id=user.id,
            secret_hash=sha256_of(secret),
            address=address,
            browser=browser,
            created_at=now,
            last_seen_at=now,
            expires_at=now + limits.lifetime,
        )
    )
    return secret


def resume_session(
    session: Session, secret: str, *, limits: SessionLimits, clock: Clock = utc_now
) -> SignedIn:
    """Return the person of a browser's session; raise Unauthenticated where it has ended or never was.

    When it was last seen is noted at most once in `SEEN_NOTED_EVERY`.
    """
    now = clock()
    statement = select(BrowserSession).where(BrowserSession.secret_hash == sha256_of(secret))
    found = session.scalars(statement.where(~_is_over(now, limits))).one_or_none()
    if found is None:
        raise Unauthenticated
    principal = principal_of_user(session, found.user_id)
    if found.last_seen_at <= now - SEEN_NOTED_EVERY:
        _note_seen(session, found.id, now)
    return SignedIn(session_id=found.id, user_id=found.user_id, principal=principal)


def list_sessions(
    session: Session, user_id: UUID, *, limits: SessionLimits, clock: Clock = utc_now
) -> Sequence[BrowserSession]:
    """Return the sessions of a person that have not ended, the newest first."""
    statement = select(BrowserSession).where(BrowserSession.user_id == user_id, ~_is_over(clock(), limits))
    return session.scalars(
        statement.order_by(BrowserSession.created_at.desc(), BrowserSession.id.desc())
    ).all()


def end_session(session: Session, secret: str) -> None:
    """End the session that a browser holds, where it is one."""
    session.execute(delete(BrowserSession).where(BrowserSession.secret_hash == sha256_of(secret)))


def end_session_of(session: Session, user_id: UUID, session_id: UUID) -> None:
    """End one session of a person by its id; an id that is none of theirs changes nothing."""
    session.execute(
        delete(BrowserSession).where(BrowserSession.id == session_id, BrowserSession.user_id == user_id)
    )


def end_other_sessions(session: Session, user_id: UUID, *, kept_id: UUID) -> None:
    """End every session of a person but one."""
    session.execute(
        delete(BrowserSession).where(BrowserSession.user_id == user_id, BrowserSession.id != kept_id)
    )


def sign_out_everywhere(session: Session, user_id: UUID) -> None:
    """End every session of a person and every unused sign-in link, and whatever sign-in is under way."""
    # First, and under the row's lock: see begin_session.
    session.execute(update(User).where(User.id == user_id).values(session_version=User.session_version + 1))
    session.execute(delete(BrowserSession).where(BrowserSession.user_id == user_id))
    session.execute(delete(SignInLink).where(SignInLink.user_id == user_id, SignInLink.used_at.is_(None)))


def prune_sign_ins(session: Session, *, limits: SessionLimits, clock: Clock = utc_now) -> int:
    """Delete sessions that are over, and sign-in links that were used or expired; return how many rows."""
    now = clock()
    sessions = delete(BrowserSession).where(_is_over(now, limits)).returning(BrowserSession.id)
    used_up = or_(SignInLink.used_at.is_not(None), SignInLink.expires_at <= now)
    links = delete(SignInLink).where(used_up).returning(SignInLink.id)
    return len(session.scalars(sessions).all()) + len(session.scalars(links).all())


def _is_over(now: datetime, limits: SessionLimits) -> ColumnElement[bool]:
    return or_(BrowserSession.expires_at <= now, BrowserSession.last_seen_at <= now - limits.idle)


def _note_seen(session: Session, session_id: UUID, now: datetime) -> None:
    due = and_(BrowserSession.id == session_id, BrowserSession.last_seen_at <= now - SEEN_NOTED_EVERY)
    # Of many requests at once one writes, and none waits for it.
    free = select(BrowserSession.id).where(due).with_for_update(skip_locked=True)
    session.execute(
        update(BrowserSession).where(BrowserSession.id.in_(free)).values(last_seen_at=now),
        execution_options={"synchronize_session": False},
    )
