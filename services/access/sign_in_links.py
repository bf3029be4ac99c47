import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models.access import AuditAction, SignInLink, User
from models.actor import Actor
from models.base import Clock, utc_now
from models.errors import Unauthenticated
from services.access.audit import SYSTEM, record_for_person
from services.hashing import SECRET_BYTES, sha256_of

SIGN_IN_LINK_LIFETIME = timedelta(minutes=15)


def create_sign_in_link(
    session: Session,
    user_id: UUID,
    *,
    actor: Actor = SYSTEM,
    lifetime: timedelta = SIGN_IN_LINK_LIFETIME,
    clock: Clock = utc_now,
) -> str:
    """Make a link that signs a person in, once, and return its secret: `<public url>/sign-in/<secret>`.

    It ends the links before it: one person has one link at most. It is audited.
    """
    # Of two at once the second waits here, and ends the first.
    session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
    session.execute(delete(SignInLink).where(SignInLink.user_id == user_id, SignInLink.used_at.is_(None)))
    secret = secrets.token_urlsafe(SECRET_BYTES)
    now = clock()
    session.add(
        SignInLink(user_id=user_id, secret_hash=sha256_of(secret), created_at=now, expires_at=now + lifetime)
    )
    record_for_person(session, user_id, AuditAction.SIGN_IN_LINK_CREATED, actor=actor)
    return secret


def redeem_sign_in_link(session: Session, secret: str, *, clock: Clock = utc_now) -> User:
    """Use up a sign-in link and return its person; raise Unauthenticated for one unknown, used or expired.

    One guarded UPDATE, so that of two people with one link only the first gets in.
    """
    now = clock()
    statement = (
        update(SignInLink)
        .where(
            SignInLink.secret_hash == sha256_of(secret),
            SignInLink.used_at.is_(None),
            SignInLink.expires_at > now,
        )
        .values(used_at=now)
        .returning(SignInLink.user_id)
    )
    user_id = session.scalar(statement)
    if user_id is None:
        raise Unauthenticated
    return session.scalars(select(User).where(User.id == user_id)).one()
