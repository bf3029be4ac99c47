"""Sessions of browsers: what begins, notes, ends and prunes them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event

import pytest
from sqlalchemy import event, func, select

from models.access import BrowserSession, SignInLink, User
from models.errors import Unauthenticated
from services.access.members import ensure_person
from services.access.sessions import (
    SEEN_NOTED_EVERY,
    SessionLimits,
    begin_session,
    list_sessions,
    prune_sign_ins,
    resume_session,
    sign_out_everywhere,
)
from services.access.sign_in_links import create_sign_in_link, redeem_sign_in_link
from services.database.row_security import SIGNING_IN
from services.database.session import Database
from tests.factories import NOW
from web.browser_session import name_of, network_of

LIMITS = SessionLimits(idle=timedelta(hours=1), lifetime=timedelta(hours=3))
SECOND = timedelta(seconds=1)


@pytest.fixture
def ada(database: Database) -> User:
    with database.transaction() as session:
        return ensure_person(session, "ada@example.org")


def begin(database: Database, user: User, at: datetime = NOW) -> str:
    with database.narrowed(lambda: SIGNING_IN).transaction() as session:
        return begin_session(
            session, user, address="192.0.2.0/24", browser="Firefox", limits=LIMITS, clock=lambda: at
        )


def resume(database: Database, secret: str, at: datetime) -> None:
    with database.narrowed(lambda: SIGNING_IN).transaction() as session:
        resume_session(session, secret, limits=LIMITS, clock=lambda: at)


def last_seen(database: Database) -> datetime:
    with database.transaction() as session:
        return session.scalars(select(BrowserSession.last_seen_at)).one()


def test_it_ends_when_it_is_not_used_and_at_the_latest_after_its_lifetime(
    database: Database, ada: User
) -> None:
    secret = begin(database, ada)
    for hours in (0.9, 1.8, 2.7):
        resume(database, secret, NOW + timedelta(hours=hours))
    with pytest.raises(Unauthenticated):
        resume(database, secret, NOW + LIMITS.lifetime)
    unused = begin(database, ada)
    resume(database, unused, NOW + LIMITS.idle - SECOND)
    with pytest.raises(Unauthenticated):
        resume(database, begin(database, ada), NOW + LIMITS.idle)


def test_it_notes_when_it_was_seen_once_in_a_while(database: Database, ada: User) -> None:
    secret = begin(database, ada)
    said: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    resume(database, secret, NOW + SEEN_NOTED_EVERY - SECOND)
    assert last_seen(database) == NOW
    resume(database, secret, NOW + SEEN_NOTED_EVERY)
    assert last_seen(database) == NOW + SEEN_NOTED_EVERY
    assert sum(statement.startswith("UPDATE") for statement in said) == 1


def test_nobody_waits_for_another_who_notes_that_it_was_seen(database: Database, ada: User) -> None:
    secret = begin(database, ada)
    with database.transaction() as session:
        session.execute(select(BrowserSession).with_for_update())
        resume(database, secret, NOW + SEEN_NOTED_EVERY)  # would wait here for good
    assert last_seen(database) == NOW


def test_who_proved_themselves_before_a_sign_out_everywhere_gets_no_session_after_it(
    database: Database, ada: User
) -> None:
    with database.transaction() as session:
        secret = create_sign_in_link(session, ada.id)
    with database.transaction() as session:
        redeemed = redeem_sign_in_link(session, secret)
    with database.transaction() as session:
        sign_out_everywhere(session, ada.id)

    with pytest.raises(Unauthenticated):
        begin(database, redeemed)


def test_a_sign_out_everywhere_finds_a_session_that_begins_at_the_same_time(
    database: Database, ada: User
) -> None:
    begun, let_go = Event(), Event()

    def begin_slowly() -> None:
        with database.transaction() as session:
            begin_session(session, ada, address="", browser="", limits=LIMITS)
            session.flush()
            begun.set()
            assert let_go.wait(30)

    def leave() -> None:
        with database.transaction() as session:
            let_go.set()
            sign_out_everywhere(session, ada.id)

    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(begin_slowly)
        assert begun.wait(30)
        pool.submit(leave).result(30)
        slow.result(30)

    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(BrowserSession)) == 0


def test_a_newer_link_ends_the_one_before(database: Database, ada: User) -> None:
    with database.transaction() as session:
        older = create_sign_in_link(session, ada.id)
    with database.transaction() as session:
        newer = create_sign_in_link(session, ada.id)
    with database.transaction() as session, pytest.raises(Unauthenticated):
        redeem_sign_in_link(session, older)
    with database.transaction() as session:
        assert redeem_sign_in_link(session, newer).id == ada.id


def test_of_many_links_made_at_once_one_is_left(database: Database, ada: User) -> None:
    def make(_: int) -> None:
        with database.transaction() as session:
            create_sign_in_link(session, ada.id)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(16)))
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(SignInLink)) == 1


def test_pruning_deletes_what_is_over_and_nothing_else(database: Database, ada: User) -> None:
    begin(database, ada, NOW - LIMITS.lifetime)
    begin(database, ada, NOW - LIMITS.idle)
    kept = begin(database, ada, NOW)
    with database.transaction() as session:
        secret = create_sign_in_link(session, ada.id, clock=lambda: NOW)
        redeem_sign_in_link(session, secret, clock=lambda: NOW)
        create_sign_in_link(session, ada.id, clock=lambda: NOW)
    with database.transaction() as session:
        assert len(list_sessions(session, ada.id, limits=LIMITS, clock=lambda: NOW)) == 1
        assert prune_sign_ins(session, limits=LIMITS, clock=lambda: NOW) == 3
        assert session.scalar(select(func.count()).select_from(SignInLink)) == 1
    resume(database, kept, NOW)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("unix", ""),
    ],
)
def test_an_address_is_kept_as_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18 Safari/604.1", "Safari on iOS"),
        ("<script>alert(1)</script>\x1b[31m", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_kept_as_people_know_it(sent: str, name: str) -> None:
    assert name_of(sent) == name
