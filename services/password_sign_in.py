from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from argon2 import PasswordHasher

from models.access import User
from models.base import utc_now
from models.errors import TooManyRequests, Unauthenticated
from services.database import Database
from services.members import find_person
from services.passwords import HASHER, fits, password_hash_of, renew_hash
from services.row_scope import SIGNING_IN
from services.sign_in_attempts import count_attempt, forget_attempts


@dataclass(frozen=True, kw_only=True)
class PasswordSignIn:
    """Signs people in by their e-mail address and password."""

    database: Database
    hasher: PasswordHasher = HASHER
    clock: Callable[[], datetime] = utc_now

    def sign_in(self, *, name: str, password: str, address: str) -> User:
        """Return the person of an e-mail address whose password this is.

        1. The attempt is counted and committed; TooManyRequests where there were too many.
        2. The password is held against the person's, or where there is none against nobody's. No connection
           waits for it. Unauthenticated where it does not fit: in the same words and time for whoever there
           is no such person, or none with a password.
        3. The count is forgotten, and the hash renewed where its parameters are old.
        """
        with self.database.transaction(SIGNING_IN) as session:
            wait = count_attempt(session, name=name, address=address, now=self.clock())
            user = find_person(session, name.strip()) if wait is None else None
            hashed = password_hash_of(session, user.id) if user else None
        if wait is not None:
            raise TooManyRequests(wait)
        if not fits(password, hashed, hasher=self.hasher) or user is None or hashed is None:
            raise Unauthenticated
        with self.database.transaction(SIGNING_IN) as session:
            forget_attempts(session, name=name, address=address)
            renew_hash(session, user.id, password, hashed, hasher=self.hasher)
        return user
