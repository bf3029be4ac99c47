from functools import cache
from threading import BoundedSemaphore
from typing import Final
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.access import AuditAction, Password
from models.actor import Actor
from models.base import Clock, utc_now
from models.errors import InvalidInput
from services.access.audit import SYSTEM, record_for_person
from services.access.sessions import sign_out_everywhere

SHORTEST: Final = 12
LONGEST: Final = 256

# RFC 9106, section 4, for where memory is dear: each hash takes 64 MiB while it is made.
HASHER: Final = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_AT_ONCE: Final = BoundedSemaphore(2)


def check_password(password: str) -> str:
    """Return a password that can be used, or raise InvalidInput; only its length is checked."""
    if not SHORTEST <= len(password) <= LONGEST:
        message = f"A password is {SHORTEST} to {LONGEST} characters; several words in a row are a good one."
        raise InvalidInput("password", message)
    return password


def set_password(
    session: Session,
    user_id: UUID,
    password: str,
    *,
    actor: Actor = SYSTEM,
    hasher: PasswordHasher = HASHER,
    clock: Clock = utc_now,
) -> None:
    """Give a person a password, in place of any before, sign them out everywhere, and audit it.

    Their unused sign-in links end too. Raises InvalidInput for a password that is too short or too long.
    """
    with _AT_ONCE:
        hashed = hasher.hash(_as_bytes(check_password(password)))
    statement = insert(Password).values(user_id=user_id, hash=hashed, changed_at=clock())
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[Password.user_id],
            set_={"hash": statement.excluded.hash, "changed_at": statement.excluded.changed_at},
        )
    )
    sign_out_everywhere(session, user_id)
    record_for_person(session, user_id, AuditAction.PASSWORD_SET, actor=actor)


def password_hash_of(session: Session, user_id: UUID) -> str | None:
    """Return the hash of a person's password; None where they have none."""
    return session.scalar(select(Password.hash).where(Password.user_id == user_id))


def fits(password: str, hashed: str | None, *, hasher: PasswordHasher = HASHER) -> bool:
    """Return whether a password is the one that was hashed.

    None fits no password, and takes as long to refuse as any other, so that the time says nothing about who
    exists.
    """
    try:
        with _AT_ONCE:
            hasher.verify(hashed or _dummy_hash(hasher), _as_bytes(password[: LONGEST + 1]))
    except (VerifyMismatchError, InvalidHashError):
        return False
    return hashed is not None


def renew_hash(
    session: Session, user_id: UUID, password: str, hashed: str, *, hasher: PasswordHasher = HASHER
) -> None:
    """Hash a password that fits again, where the parameters have changed since it was hashed."""
    if not hasher.check_needs_rehash(hashed):
        return
    with _AT_ONCE:
        renewed = hasher.hash(_as_bytes(password))
    # A password that was set meanwhile stays.
    same = Password.user_id == user_id, Password.hash == hashed
    session.execute(update(Password).where(*same).values(hash=renewed))


@cache
def _dummy_hash(hasher: PasswordHasher) -> str:
    return hasher.hash(b"nobody's")


def _as_bytes(password: str) -> bytes:
    # A form may hold half surrogates, which are no text but may be typed.
    return password.encode("utf-8", "surrogatepass")
