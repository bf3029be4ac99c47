from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import event, select
from uuid_utils.compat import uuid7

from models.access import ApiToken, AuditEntry, Role
from models.errors import InvalidInput, NotFound, TokenExpired, Unauthenticated
from services.access.token_expiry import parse_expiry
from services.access.tokens import (
    USE_NOTED_EVERY,
    create_token,
    list_tokens,
    principal_of_token,
    revoke_token,
)
from services.database.row_security import SIGNING_IN
from services.database.session import Database
from tests.factories import ADA, NOW, make_workspace


@pytest.fixture
def workspace_id(database: Database) -> UUID:
    with database.transaction() as session:
        return make_workspace(session).id


@pytest.fixture
def token(database: Database, workspace_id: UUID) -> str:
    with database.transaction() as session:
        return create_token(session, workspace_id=workspace_id, role=Role.OPERATOR, name=" robot ", actor=ADA)


def use(database: Database, token: str, at: datetime = NOW) -> None:
    """Come in by a token as the web lets it in."""
    with database.narrowed(lambda: SIGNING_IN).transaction() as session:
        principal_of_token(session, token, clock=lambda: at)


def midnight_after(at: datetime) -> datetime:
    return datetime.combine(at.date() + timedelta(days=1), time(tzinfo=UTC))


def the_one(database: Database) -> ApiToken:
    with database.transaction() as session:
        return session.scalars(select(ApiToken)).one()


def test_it_shows_how_a_token_begins_and_who_made_it(
    database: Database, token: str, workspace_id: UUID
) -> None:
    with database.transaction() as session:
        [listed] = list_tokens(session, workspace_id)
        entry = session.scalars(select(AuditEntry)).one()
    assert token.startswith(listed.prefix)
    assert (len(listed.prefix), listed.name, listed.last_used_at) == (10, "robot", None)
    assert (entry.action, entry.subject, entry.actor_name) == ("token_created", "robot", ADA.name)
    assert entry.detail == f"operator, {listed.prefix}…"


def test_it_refuses_a_name_that_cannot_be_used(database: Database, workspace_id: UUID) -> None:
    with database.transaction() as session, pytest.raises(InvalidInput, match="name"):
        create_token(session, workspace_id=workspace_id, role=Role.OWNER, name="\x00")


def test_it_notes_when_a_token_was_used_once_a_minute_at_most(database: Database, token: str) -> None:
    said: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    for at in (NOW, NOW + USE_NOTED_EVERY * 0.9, NOW + USE_NOTED_EVERY * 0.99):
        use(database, token, at)
        assert the_one(database).last_used_at == NOW
    use(database, token, NOW + USE_NOTED_EVERY)

    assert the_one(database).last_used_at == NOW + USE_NOTED_EVERY
    assert sum(statement.startswith("UPDATE") for statement in said) == 2


def test_nobody_waits_for_another_who_notes_the_use(database: Database, token: str) -> None:
    with database.transaction() as session:
        session.execute(select(ApiToken).with_for_update())
        use(database, token)  # would wait here for good
    assert the_one(database).last_used_at is None


def test_many_uses_at_once_leave_one_note(database: Database, token: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: use(database, token), range(16)))
    assert the_one(database).last_used_at == NOW


def test_it_revokes_a_token_once_and_says_who_did(database: Database, token: str, workspace_id: UUID) -> None:
    token_id = the_one(database).id
    with database.transaction() as session:
        assert revoke_token(session, token_id, workspace_id=workspace_id, actor=ADA).name == "robot"
    with pytest.raises(Unauthenticated):
        use(database, token)
    with database.transaction() as session:
        assert list_tokens(session, workspace_id) == []
        assert [each.action for each in session.scalars(select(AuditEntry).order_by(AuditEntry.id))] == [
            "token_created",
            "token_revoked",
        ]
        with pytest.raises(NotFound):
            revoke_token(session, token_id, workspace_id=workspace_id, actor=ADA)


@pytest.mark.usefixtures("token")
def test_it_revokes_no_token_of_another_workspace(database: Database) -> None:
    with database.transaction() as session:
        other_id = make_workspace(session, "other").id
        for token_id in (session.scalars(select(ApiToken.id)).one(), uuid7()):
            with pytest.raises(NotFound):
                revoke_token(session, token_id, workspace_id=other_id, actor=ADA)
    assert the_one(database).revoked_at is None


def test_an_expired_token_says_so_to_who_holds_all_of_it(database: Database, workspace_id: UUID) -> None:
    end = NOW + timedelta(days=1)
    with database.transaction() as session:
        token = create_token(session, workspace_id=workspace_id, role=Role.READER, name="ci", expires_at=end)
    use(database, token, end - timedelta(seconds=1))
    with pytest.raises(TokenExpired, match="This token expired on 2026-"):
        use(database, token, end)
    for other in (token[:-1], token + "x", token[:10]):
        with pytest.raises(Unauthenticated) as refused:
            use(database, other, end)
        assert type(refused.value) is Unauthenticated
    with database.transaction() as session:
        [listed] = list_tokens(session, workspace_id)
        revoke_token(session, listed.id, workspace_id=workspace_id, actor=ADA)
    assert listed.last_used_at == end - timedelta(seconds=1)
    with pytest.raises(Unauthenticated) as refused:
        use(database, token, end)
    assert type(refused.value) is Unauthenticated


@pytest.mark.parametrize(
    ("given", "end"),
    [
        ("90", NOW + timedelta(days=90)),
        (" 1d ", NOW + timedelta(days=1)),
        ((NOW + timedelta(days=2)).date().isoformat(), midnight_after(NOW + timedelta(days=2))),
        (NOW.date().isoformat(), midnight_after(NOW)),
        ("never", None),
        ("", None),
    ],
)
def test_an_expiry_is_a_number_of_days_or_the_last_day(given: str, end: datetime | None) -> None:
    assert parse_expiry(given, now=NOW) == end


@pytest.mark.parametrize(
    "given", ["0", "-1", "3652", "99999", "2020-01-01", "9999-12-31", "soon", "2027-02-30", "\x00", "٣"]
)
def test_what_is_no_expiry_is_refused_with_the_way_out(given: str) -> None:
    with pytest.raises(InvalidInput, match="such as 90, or a date, such as 2027-06-30") as refused:
        parse_expiry(given, now=NOW)
    assert refused.value.field == "expires"
