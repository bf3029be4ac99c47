from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final

from argon2 import PasswordHasher
from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.access import AuditAction, SignInAttempts, User
from models.actor import Actor
from models.base import Clock, utc_now
from models.errors import TooManyRequests, Unauthenticated
from services.access.audit import Audit
from services.access.members import find_person
from services.access.passwords import HASHER, fits, password_hash_of, renew_hash
from services.database.row_security import SIGNING_IN
from services.database.session import Database
from services.hashing import sha256_of

WINDOW: Final = timedelta(minutes=15)
PER_NAME: Final = 10
PER_ADDRESS: Final = 100  # many people may sit behind one


def count_attempt(session: Session, *, name: str, address: str, now: datetime) -> timedelta | None:
    """Count an attempt before its password is verified; return how long to wait, None where it may go on.

    1. What was counted longer ago than the window is forgotten.
    2. The name and the address are counted, in one statement: of any number of attempts at the same time no
       more than the limit get through.
    """
    over = SignInAttempts.since <= now - WINDOW
    session.execute(
        delete(SignInAttempts).where(
            SignInAttempts.key.in_(select(SignInAttempts.key).where(over).with_for_update(skip_locked=True))
        ),
        execution_options={"synchronize_session": False},
    )
    limits = _keys(name, address)
    # In one order, so that two attempts do not wait for each other.
    rows = [{"key": key, "attempts": 1, "since": now} for key in sorted(limits)]
    statement = insert(SignInAttempts).values(rows)
    counted = session.execute(
        statement.on_conflict_do_update(
            index_elements=[SignInAttempts.key],
            set_={
                "attempts": case((over, 1), else_=SignInAttempts.attempts + 1),
                "since": case((over, now), else_=SignInAttempts.since),
            },
        ).returning(SignInAttempts.key, SignInAttempts.attempts, SignInAttempts.since)
    ).all()
    waits = [row.since + WINDOW - now for row in counted if row.attempts > limits[row.key]]
    return max(waits, default=None)


def forget_attempts(session: Session, *, name: str, address: str) -> None:
    """Forget what was counted for a name that has signed in, and give its address this attempt back."""
    session.execute(delete(SignInAttempts).where(SignInAttempts.key == _of_name(name)))
    session.execute(
        update(SignInAttempts)
        .where(SignInAttempts.key == _of_address(address), SignInAttempts.attempts > 0)
        .values(attempts=SignInAttempts.attempts - 1)
    )


def _keys(name: str, address: str) -> Mapping[str, int]:
    return {_of_name(name): PER_NAME, _of_address(address): PER_ADDRESS}


def _of_name(name: str) -> str:
    return sha256_of(f"name {name.strip().lower()}")


def _of_address(address: str) -> str:
    """Take the network for an IPv6 address: one host has all of its addresses."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return sha256_of(f"address {address}")
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return sha256_of(f"address {int(parsed) >> 64:x}")
    return sha256_of(f"address {getattr(parsed, 'ipv4_mapped', None) or parsed}")


def record_failed_sign_in(session: Session, email: str | None, way: str, *, clock: Clock = utc_now) -> None:
    """Record a sign-in that failed, in the installation's audit; `email` None: of no person who is known.

    What was typed is not kept: people type their password into the field for the name.
    """
    audit = Audit(
        session=session, workspace_id=None, actor=Actor(kind="user", name=email or "unknown"), clock=clock
    )
    audit.record(AuditAction.SIGN_IN_FAILED, email or "unknown", detail=way)


@dataclass(frozen=True, kw_only=True)
class PasswordSignIn:
    """Signs people in by their e-mail address and password."""

    database: Database
    hasher: PasswordHasher = HASHER
    clock: Clock = utc_now

    def sign_in(self, *, name: str, password: str, address: str) -> User:
        """Return the person of an e-mail address whose password this is.

        1. The attempt is counted and committed; TooManyRequests where there were too many.
        2. The password is verified against the person's, or a dummy where they have none; no connection is
           held meanwhile. Unauthenticated where it does not fit, which is audited: in the same words and time
           for an unknown address and for a person without a password.
        3. The count is forgotten, and the hash renewed where its parameters are old.
        """
        with self.database.transaction(SIGNING_IN) as session:
            wait = count_attempt(session, name=name, address=address, now=self.clock())
            user = find_person(session, name.strip()) if wait is None else None
            hashed = password_hash_of(session, user.id) if user else None
        if wait is not None:
            raise TooManyRequests(wait)
        if not fits(password, hashed, hasher=self.hasher) or user is None or hashed is None:
            with self.database.transaction(SIGNING_IN) as session:
                record_failed_sign_in(session, user.email if user else None, "password", clock=self.clock)
            raise Unauthenticated
        with self.database.transaction(SIGNING_IN) as session:
            forget_attempts(session, name=name, address=address)
            renew_hash(session, user.id, password, hashed, hasher=self.hasher)
        return user
