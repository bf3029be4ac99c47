"""What the sessions of the database's role begin with, and that nothing rests on it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import text

from runtime.migrate import read_missing_settings, upgrade
from services.database.session import Database
from tests.factories import NOW, make_workspace

NAMES = ("statement_timeout", "idle_in_transaction_session_timeout", "TimeZone")


def begins_with(url: str) -> dict[str, str]:
    with psycopg.connect(url) as connection:
        shown = {name: connection.execute(f"SHOW {name}").fetchone() for name in NAMES}
    return {name: row[0] for name, row in shown.items() if row}


def set_for_role(url: str, name: str, value: str) -> None:
    database = urlsplit(url).path.strip("/")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER ROLE operationrun IN DATABASE {database} SET {name} = '{value}'".encode())


@pytest.fixture
def far_away(database_url: str) -> Iterator[Database]:
    """A database whose sessions keep another time zone."""
    set_for_role(database_url, "TimeZone", "Asia/Kathmandu")
    database = Database.connect(database_url)
    yield database
    database.close()


def test_a_migration_gives_the_role_what_it_lacks(database_url: str) -> None:
    set_for_role(database_url, "statement_timeout", "0")
    assert len(read_missing_settings(database_url)) == 2  # the server keeps UTC
    upgrade(database_url)
    assert begins_with(database_url) == {
        "statement_timeout": "30s",
        "idle_in_transaction_session_timeout": "1min",
        "TimeZone": "UTC",
    }
    assert read_missing_settings(database_url) == []


@pytest.mark.usefixtures("far_away")
def test_it_keeps_what_was_chosen_and_corrects_the_time_zone(database_url: str) -> None:
    set_for_role(database_url, "statement_timeout", "5s")
    upgrade(database_url)
    assert begins_with(database_url)["statement_timeout"] == "5s"
    assert begins_with(database_url)["TimeZone"] == "UTC"


def test_other_databases_of_the_role_are_left_alone(database_url: str, postgres_url: str) -> None:
    upgrade(database_url)
    assert begins_with(postgres_url)["idle_in_transaction_session_timeout"] == "0"


def test_times_are_right_and_in_utc_in_any_time_zone(far_away: Database) -> None:
    with far_away.transaction() as session:
        make_workspace(session)
    with far_away.transaction() as session:
        assert session.scalar(text("SHOW TimeZone")) == "Asia/Kathmandu"
        found = session.execute(text("SELECT created_at, now() AS now FROM workspaces")).one()
    assert found.created_at == NOW
    assert found.created_at.isoformat() == NOW.isoformat()
    assert found.now.tzinfo is UTC
    assert abs(found.now - datetime.now(UTC)) < timedelta(minutes=5)
