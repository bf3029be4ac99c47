"""Clients that share their sessions: what one leaves in a session is another's, so nothing is left there."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from runtime.migrate import upgrade
from services.database.row_security import SIGNING_IN, within
from services.database.session import Database
from tests.database.populated import populate
from tests.pgbouncer import POOL_SIZE

CLIENTS = 4 * POOL_SIZE
Client = psycopg.Connection[tuple[Any, ...]]


@contextmanager
def clients(url: str, *, prepare_after: int | None = None) -> Iterator[list[Client]]:
    """More clients than the pooler has connections."""
    with ExitStack() as stack:
        opened = (
            psycopg.connect(url, autocommit=True, prepare_threshold=prepare_after) for _ in range(CLIENTS)
        )
        yield [stack.enter_context(each) for each in opened]


def test_this_lane_sees_what_a_client_leaves_in_its_session(pooled_url: str) -> None:
    with clients(pooled_url) as (first, *others):
        first.execute(
            "SET application_name = 'kept'; SELECT set_config('operationrun.workspaces', 'left', false)"
        )
        first.execute("SELECT pg_advisory_lock(1)")
        seen = {
            each.execute("SELECT current_setting('operationrun.workspaces', true)").fetchone()
            for each in others
        }
        locked = [each.execute("SELECT pg_try_advisory_lock(1)").fetchone() for each in others]

    assert ("left",) in seen
    assert (True,) in locked, "a lock of a session keeps no other client out"


def test_this_lane_refuses_options_at_connect(pooled_url: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="unsupported startup parameter"):
        psycopg.connect(pooled_url, options="-c statement_timeout=30000")


def test_this_lane_breaks_prepared_statements(pooled_url: str) -> None:
    with clients(pooled_url, prepare_after=0) as (first, *others):
        first.execute("SELECT 1")
        with pytest.raises(psycopg.Error, match="prepared statement"):
            _ = [client.execute("SELECT 1") for client in others]


def test_a_database_of_ours_prepares_nothing(pooled: Database) -> None:
    for _ in range(10):
        with pooled.transaction() as session:
            session.execute(text("SELECT 1"))
            assert session.scalar(text("SELECT count(*) FROM pg_prepared_statements")) == 0


@pytest.mark.parametrize("fails", [False, True])
def test_no_scope_outlives_its_transaction(pooled: Database, pooled_url: str, *, fails: bool) -> None:
    narrowed = pooled.narrowed(lambda: SIGNING_IN)
    for scope in (within(frozenset({populate(pooled, "own")})), SIGNING_IN):
        with suppress(ZeroDivisionError), narrowed.transaction(scope) as session:
            assert session.scalar(text("SELECT current_user")) == scope.role
            _ = 1 / (0 if fails else 1)
        with clients(pooled_url) as found:
            assert {_standing(client) for client in found} == {(True, None)}


def test_a_migration_passes(pooled_url: str) -> None:
    upgrade(pooled_url)


def _standing(client: Client) -> tuple[bool, str | None]:
    """Return whether a client is its own role, and the workspaces that are named to it."""
    row = client.execute(
        "SELECT current_user = session_user, nullif(current_setting('operationrun.workspaces', true), '')"
    ).fetchone()
    assert row
    return row
