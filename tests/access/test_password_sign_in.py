from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.access import Password, Role, SignInAttempts, User
from models.errors import InvalidInput, TooManyRequests, Unauthenticated
from services.access.members import Members
from services.access.password_sign_in import PER_ADDRESS, PER_NAME, WINDOW, PasswordSignIn
from services.access.passwords import HASHER, fits, set_password
from services.access.sessions import SessionLimits, begin_session, resume_session, sign_out_everywhere
from services.database.row_security import SIGNING_IN
from services.database.session import Database
from tests.factories import NOW, make_workspace

PASSWORD = "several words in a row"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ADDRESS = "192.0.2.1"
LIMITS = SessionLimits()


class Hands:
    """A clock whose hands a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def ada(database: Database) -> User:
    with database.transaction() as session:
        workspace = make_workspace(session)
        user = Members(session, workspace.id).add(email="Ada@example.org", role=Role.READER)
        set_password(session, user.id, PASSWORD, hasher=CHEAP)
    return user


@pytest.fixture
def door(database: Database, ada: User, clock: Hands) -> PasswordSignIn:
    """The way in as the web takes it: behind row-level security, before it is known who asks."""
    assert ada.email
    return PasswordSignIn(database=database.narrowed(lambda: SIGNING_IN), hasher=CHEAP, clock=clock)


def refusal(door: PasswordSignIn, name: str, password: str = "wrong", address: str = ADDRESS) -> str:  # noqa: S107 # a wrong one
    with pytest.raises((Unauthenticated, TooManyRequests)) as refused:
        door.sign_in(name=name, password=password, address=address)
    return refused.typename


def test_it_knows_a_person_by_their_password_whatever_the_capitals_of_their_address(
    door: PasswordSignIn, ada: User
) -> None:
    for name in ("ada@example.org", " ADA@EXAMPLE.ORG "):
        assert door.sign_in(name=name, password=PASSWORD, address=ADDRESS).id == ada.id


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada@example.org", "wrong"),
        ("ada@example.org", PASSWORD.upper()),
        ("ada@example.org", ""),
        ("ada@example.org", PASSWORD + "x" * 1000),
        ("nobody@example.org", PASSWORD),
        ("grace@example.org", PASSWORD),
        ("", PASSWORD),
        ("\x00", "\x00"),
        ("\ud800", "\ud800"),
    ],
)
def test_it_refuses_in_one_way_for_whatever_reason(
    door: PasswordSignIn, database: Database, name: str, password: str
) -> None:
    with database.transaction() as session:
        session.add(User(email="grace@example.org", name="Grace", created_at=NOW))
    with pytest.raises(Unauthenticated) as refused:
        door.sign_in(name=name, password=password, address=ADDRESS)
    assert str(refused.value) == Unauthenticated.default_message()


class Counting(PasswordHasher):
    """A hasher that remembers with which parameters it verified."""

    verified: list[str]

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 # as it is called there
        self.verified.append(str(hash).rsplit("$", 2)[0])
        return super().verify(hash, password)


def test_whoever_does_not_exist_costs_the_same_work(door: PasswordSignIn) -> None:
    hasher = Counting(time_cost=1, memory_cost=8, parallelism=1)
    hasher.verified = []
    for name in ("ada@example.org", "nobody@example.org"):
        refusal(replace(door, hasher=hasher), name)

    assert len(hasher.verified) == 2
    assert hasher.verified[0] == hasher.verified[1]


def test_a_name_is_held_back_after_too_many_attempts_and_not_for_good(
    door: PasswordSignIn, clock: Hands
) -> None:
    for name in ("ada@example.org", "nobody@example.org"):
        kinds = [refusal(door, name) for _ in range(PER_NAME + 1)]
        assert kinds == ["Unauthenticated"] * PER_NAME + ["TooManyRequests"]
    assert refusal(door, "ADA@example.org ", PASSWORD) == "TooManyRequests"

    clock.now += WINDOW
    door.sign_in(name="ada@example.org", password=PASSWORD, address=ADDRESS)


def test_it_says_how_long_to_wait(door: PasswordSignIn, clock: Hands) -> None:
    for _ in range(PER_NAME):
        refusal(door, "ada@example.org")
    clock.now += timedelta(minutes=5)
    with pytest.raises(TooManyRequests) as refused:
        door.sign_in(name="ada@example.org", password=PASSWORD, address=ADDRESS)
    assert refused.value.retry_after == WINDOW - timedelta(minutes=5)


def test_an_address_is_held_back_and_another_is_not(door: PasswordSignIn) -> None:
    for number in range(PER_ADDRESS):
        assert refusal(door, f"nobody-{number}@example.org") == "Unauthenticated"
    assert refusal(door, "ada@example.org", PASSWORD) == "TooManyRequests"
    door.sign_in(name="ada@example.org", password=PASSWORD, address="192.0.2.2")


def test_addresses_of_one_network_count_as_one(door: PasswordSignIn, database: Database) -> None:
    for address in ("2001:db8::1", "2001:db8::2", "::ffff:192.0.2.1", "192.0.2.1", "", "no address"):
        refusal(door, "a@example.org", address=address)
    with database.transaction() as session:
        counted = sorted(session.scalars(select(SignInAttempts.attempts)))
    assert counted == [1, 1, 2, 2, 6]


def test_signing_in_forgets_the_attempts_of_the_name(door: PasswordSignIn, database: Database) -> None:
    for _ in range(PER_NAME - 1):
        refusal(door, "ada@example.org")
    door.sign_in(name="ada@example.org", password=PASSWORD, address=ADDRESS)
    with database.transaction() as session:
        assert session.scalars(select(SignInAttempts.attempts)).all() == [PER_NAME - 1]  # of the address
    assert refusal(door, "ada@example.org") == "Unauthenticated"


def test_what_was_counted_long_ago_is_not_kept(
    door: PasswordSignIn, database: Database, clock: Hands
) -> None:
    for number in range(5):
        refusal(door, f"nobody-{number}@example.org", address=f"192.0.2.{number}")
    clock.now += WINDOW
    refusal(door, "ada@example.org")
    with database.transaction() as session:
        assert len(session.scalars(select(SignInAttempts)).all()) == 2


def test_of_many_attempts_at_once_no_more_than_the_limit_get_through(door: PasswordSignIn) -> None:
    with ThreadPoolExecutor(8) as pool:
        kinds = list(pool.map(lambda _: refusal(door, "ada@example.org"), range(PER_NAME * 2)))
    assert kinds.count("Unauthenticated") == PER_NAME


def test_neither_passwords_nor_what_was_typed_for_a_name_are_kept(
    door: PasswordSignIn, database: Database
) -> None:
    refusal(door, "a password typed into the wrong field")
    with database.transaction() as session:
        kept = str(session.execute(text("SELECT * FROM sign_in_attempts")).all())
        hashed = session.scalars(select(Password.hash)).one()
    assert "wrong field" not in kept
    assert hashed.startswith("$argon2id$")
    assert PASSWORD not in hashed


def test_a_hash_of_older_parameters_is_renewed_by_the_next_sign_in(
    door: PasswordSignIn, database: Database, ada: User
) -> None:
    dearer = replace(door, hasher=PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    dearer.sign_in(name="ada@example.org", password=PASSWORD, address=ADDRESS)
    with database.transaction() as session:
        assert "m=16,t=2" in session.get_one(Password, ada.id).hash
    dearer.sign_in(name="ada@example.org", password=PASSWORD, address=ADDRESS)


@pytest.mark.parametrize("password", ["", "x" * 11, "x" * 257])
def test_it_refuses_passwords_too_short_or_too_long(database: Database, ada: User, password: str) -> None:
    with database.transaction() as session, pytest.raises(InvalidInput, match="12 to 256"):
        set_password(session, ada.id, password, hasher=CHEAP)


def begin(session: Session, user: User) -> str:
    return begin_session(session, user, address="", browser="", limits=LIMITS)


@pytest.mark.parametrize(
    "leave",
    [
        lambda session, user_id: set_password(session, user_id, PASSWORD, hasher=CHEAP),
        sign_out_everywhere,
    ],
    ids=["a new password", "signing out everywhere"],
)
def test_it_ends_every_session_from_before(
    database: Database, ada: User, leave: Callable[[object, UUID], None]
) -> None:
    with database.transaction() as session:
        secret = begin(session, ada)
        resume_session(session, secret, limits=LIMITS)
        leave(session, ada.id)
    with database.transaction() as session:
        with pytest.raises(Unauthenticated):
            resume_session(session, secret, limits=LIMITS)
        ada_now = session.scalars(select(User)).one()
        resume_session(session, begin(session, ada_now), limits=LIMITS)


def test_the_hasher_is_what_rfc_9106_asks_for_and_nobodys_password_fits_nobody() -> None:
    assert (HASHER.time_cost, HASHER.memory_cost, HASHER.parallelism) == (3, 65536, 4)
    assert HASHER.type.name == "ID"
    assert not fits("nobody's", None, hasher=CHEAP)
    assert not fits(PASSWORD, "no hash", hasher=CHEAP)
