import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.access import AuditAction, OpenIdSubject, User
from models.actor import Actor
from models.base import Clock, utc_now
from models.errors import IdentityRefused, SubjectRefused, UnknownPerson
from services.access.audit import SYSTEM, record_for_person
from services.access.members import find_person

# As OpenID Connect Core 1.0 bounds it, section 2.
_SUBJECT: Final = re.compile(r"[ -~]{1,255}")
_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class IdentityClaim:
    """The identity that a provider confirms; `email` is None where it confirms no address."""

    issuer: str
    subject: str
    email: str | None


def resolve_user(session: Session, claim: IdentityClaim, *, clock: Clock = utc_now) -> User:
    """Return the person whose identity a provider confirms.

    1. The one its subject is bound to, whatever address it confirms by now.
    2. Else the one with the confirmed address, who is bound to the subject from here on.

    Raises IdentityRefused for a subject that is none, or one not bound yet that comes without an address;
    UnknownPerson where no person has the address; SubjectRefused where they are bound to another subject.
    """
    if not _SUBJECT.fullmatch(claim.subject):
        raise IdentityRefused
    known = _bound(session, claim)
    if known is not None:
        return known
    if claim.email is None:
        raise IdentityRefused
    user = find_person(session, claim.email)
    if user is None:
        raise UnknownPerson
    _bind(session, claim, user, clock())
    bound = _bound(session, claim)
    if bound is None or bound.id != user.id:
        _log.warning("openid_subject_refused", user_id=str(user.id), issuer=claim.issuer)
        raise SubjectRefused
    return user


def release(session: Session, user_id: UUID, *, actor: Actor = SYSTEM) -> int:
    """Forget which subjects a person is bound to, so that their address counts again; return how many.

    It is audited.
    """
    statement = delete(OpenIdSubject).where(OpenIdSubject.user_id == user_id)
    released = len(session.scalars(statement.returning(OpenIdSubject.subject)).all())
    if released:
        _log.info("openid_subject_released", user_id=str(user_id))
    record_for_person(session, user_id, AuditAction.IDENTITY_RELEASED, actor=actor, detail=str(released))
    return released


def _bound(session: Session, claim: IdentityClaim) -> User | None:
    statement = select(User).join(OpenIdSubject, OpenIdSubject.user_id == User.id)
    return session.scalars(
        statement.where(OpenIdSubject.issuer == claim.issuer, OpenIdSubject.subject == claim.subject)
    ).one_or_none()


def _bind(session: Session, claim: IdentityClaim, user: User, at: datetime) -> None:
    """Bind a person to a subject, unless either is bound already; of two at once the first does."""
    statement = insert(OpenIdSubject).values(
        issuer=claim.issuer, subject=claim.subject, user_id=user.id, bound_at=at
    )
    bound = session.scalars(statement.on_conflict_do_nothing().returning(OpenIdSubject.user_id)).all()
    if bound:
        _log.info("openid_subject_bound", user_id=str(user.id), issuer=claim.issuer)
