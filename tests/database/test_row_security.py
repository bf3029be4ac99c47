"""The second lock: what PostgreSQL shows a web request, whatever the services above it forget to check."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from models.base import Base
from models.tables import TABLES
from services.database.row_security import SIGNING_IN, within
from services.database.session import Database
from tests.database.populated import populate

assert TABLES

OF_WORKSPACES = sorted(
    name for name, table in Base.metadata.tables.items() if "workspace_id" in table.columns
)
EVERY = ["workspaces", "users", *OF_WORKSPACES]
# What may be read before it is known who asks.
OF_SIGNING_IN = {
    "users",
    "members",
    "api_tokens",
    "sign_in_links",
    "browser_sessions",
    "passwords",
    "openid_subjects",
    "sign_in_attempts",
}
ADVICE = (
    "Give {table} row-level security in the migration that creates it: `narrow({table!r})` of "
    "migrations/row_security.py."
)


@pytest.fixture
def own(database: Database) -> UUID:
    return populate(database, "own")


@pytest.fixture
def foreign(database: Database) -> UUID:
    return populate(database, "foreign")


@contextmanager
def seen_by_hand(database: Database, workspaces: str) -> Iterator[Connection]:
    """A transaction as the web's, made by hand of PostgreSQL's own words."""
    with database.engine.connect() as connection:
        connection.execute(text("SET LOCAL ROLE operationrun_web"))
        connection.execute(
            text("SELECT set_config('operationrun.workspaces', :ids, true)"), {"ids": workspaces}
        )
        connection.execute(text("SET LOCAL operationrun.acts = 'all'"))
        yield connection
        connection.rollback()


def count(connection: Any, table: str) -> int:
    return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


@pytest.mark.parametrize("table", EVERY)
def test_the_web_role_sees_the_rows_of_its_own_workspace_alone(
    database: Database, own: UUID, foreign: UUID, table: str
) -> None:
    with database.transaction() as session:
        everything = count(session, table)
    with seen_by_hand(database, f"{{{own}}}") as connection:
        of_own = count(connection, table)
    with seen_by_hand(database, f"{{{own},{foreign}}}") as connection:
        of_both = count(connection, table)
    with seen_by_hand(database, "{}") as connection:
        of_none = count(connection, table)

    assert everything == of_both > 1, f"populated.py has to make a row of {table} in each workspace"
    assert 0 < of_own < everything
    assert of_none == 0


@pytest.mark.parametrize("table", OF_WORKSPACES)
@pytest.mark.usefixtures("own")
def test_the_web_role_changes_no_row_of_another_workspace(
    database: Database, own: UUID, foreign: UUID, table: str
) -> None:
    with seen_by_hand(database, f"{{{own}}}") as connection:
        for verb, statement in {
            "UPDATE": f"UPDATE {table} SET workspace_id = workspace_id WHERE workspace_id = :id",
            "DELETE": f"DELETE FROM {table} WHERE workspace_id = :id",
        }.items():
            if connection.scalar(
                text("SELECT has_table_privilege(:table, :verb)"), {"table": table, "verb": verb}
            ):
                assert connection.execute(text(statement), {"id": foreign}).rowcount == 0
                continue
            # Also of its own rows: tests/database/test_web_login.py names these tables.
            with pytest.raises(ProgrammingError, match="permission denied"), connection.begin_nested():
                connection.execute(text(statement), {"id": foreign})


@pytest.mark.parametrize("table", OF_WORKSPACES)
def test_the_web_role_puts_no_row_into_another_workspace(
    database: Database, own: UUID, foreign: UUID, table: str
) -> None:
    columns = [column.name for column in Base.metadata.tables[table].columns if column.identity is None]
    given = {"workspace_id": ":id"}
    if table == "operation_runs":
        born = {"status": "'queued'", "outcome": "'pending'", "context": "'{}'"}
        given |= {**born, "started_at": "NULL", "completed_at": "NULL"}
    names, values = (
        ", ".join(f'"{name}"' for name in columns),
        ", ".join(given.get(name, f'"{name}"') for name in columns),
    )
    copied = f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} LIMIT 1"
    with seen_by_hand(database, f"{{{own}}}") as connection:
        connection.execute(text("SET LOCAL operationrun.writer = 'OperationRunService'"))
        with pytest.raises(DBAPIError, match="row-level security"):
            connection.execute(text(copied), {"id": foreign})


@pytest.mark.parametrize("table", sorted(Base.metadata.tables))
def test_before_it_is_known_who_asks_the_tables_of_signing_in_alone_are_there(
    database: Database, own: UUID, table: str
) -> None:
    assert own.version
    with database.engine.connect() as connection:
        connection.execute(text("SET LOCAL ROLE operationrun_sign_in"))
        if table in OF_SIGNING_IN:
            count(connection, table)
        else:
            with pytest.raises(ProgrammingError, match="permission denied"):
                count(connection, table)


def test_every_table_of_workspaces_is_narrowed(database: Database) -> None:
    unlocked = _unlocked(database)

    assert not unlocked, " ".join(ADVICE.format(table=table) for table in unlocked)


def test_a_table_of_workspaces_without_a_policy_is_found(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("CREATE TABLE forgotten (workspace_id uuid)"))
        session.execute(text("CREATE TABLE half_done (workspace_id uuid)"))
        session.execute(text("ALTER TABLE half_done ENABLE ROW LEVEL SECURITY"))

    assert _unlocked(database) == ["forgotten", "half_done"]


def test_the_web_role_does_not_reach_what_has_no_grant(database: Database, own: UUID) -> None:
    for table in ("passwords", "openid_subjects", "sign_in_links", "sign_in_attempts", "alembic_version"):
        with (
            seen_by_hand(database, f"{{{own}}}") as connection,
            pytest.raises(ProgrammingError, match="permission denied"),
        ):
            count(connection, table)


def test_a_role_without_its_workspaces_is_an_error_and_no_empty_answer(database: Database, own: UUID) -> None:
    assert own.version
    with database.engine.connect() as connection:
        connection.execute(text("SET LOCAL ROLE operationrun_web"))
        with pytest.raises(DBAPIError, match=r"operationrun\.workspaces"):
            count(connection, "operation_runs")


def test_a_narrowed_database_narrows_each_transaction_and_the_whole_one_does_not(
    database: Database, own: UUID, foreign: UUID
) -> None:
    scope = within(frozenset({own}))
    narrowed = database.narrowed(lambda: scope)
    with narrowed.transaction() as session:
        assert count(session, "environments") == 1
        with session.begin_nested():
            assert count(session, "environments") == 1
    with narrowed.transaction(within(frozenset({own, foreign}))) as session:
        assert count(session, "environments") == 2
    with narrowed.transaction(SIGNING_IN) as session, pytest.raises(ProgrammingError):
        count(session, "environments")
    with database.transaction() as session:
        assert count(session, "environments") == 2
        assert session.execute(text("SELECT current_user = session_user")).scalar_one()


def test_a_transaction_that_fails_gives_the_role_back(database: Database, own: UUID) -> None:
    narrowed = database.narrowed(lambda: within(frozenset({own})))
    with pytest.raises(DBAPIError), narrowed.transaction() as session:
        session.execute(text("SELECT 1 / 0"))
    with database.transaction() as session:
        assert session.execute(text("SELECT current_user = session_user")).scalar_one()


def test_narrowing_costs_one_statement(database: Database, own: UUID) -> None:
    said: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    with database.narrowed(lambda: within(frozenset({own}))).transaction() as session:
        session.execute(text("SELECT 1"))
        session.execute(text("SELECT 2"))

    assert [statement.split("(")[0] for statement in said] == ["SELECT set_config", "SELECT 1", "SELECT 2"]


def test_the_laws_of_reviews_look_past_the_lock(database: Database, own: UUID, foreign: UUID) -> None:
    with database.transaction() as session:
        rows = session.execute(text("SELECT workspace_id, id FROM environment_reviews"))
        ids = {row.workspace_id: row.id for row in rows}
        session.execute(text("UPDATE environment_reviews SET status = 'published', published_at = now()"))
    with seen_by_hand(database, f"{{{own}}}") as connection:
        statement = (
            "UPDATE environment_reviews SET status = 'superseded', superseded_at = now(), "
            "superseded_by_id = :by WHERE id = :id"
        )
        with pytest.raises(DBAPIError, match="stays in its environment"):
            connection.execute(text(statement), {"id": ids[own], "by": ids[foreign]})


def test_what_was_audited_stays_as_it_was_written(database: Database, own: UUID) -> None:
    assert own.version
    for statement in ("UPDATE audit_entries SET actor_name = 'somebody'", "DELETE FROM audit_entries"):
        with database.transaction() as session:
            with pytest.raises(DBAPIError, match="kept as they were written"):
                session.execute(text(statement))
            session.rollback()


def _unlocked(database: Database) -> list[str]:
    statement = """
        SELECT c.table_name FROM information_schema.columns c
        JOIN pg_class t ON t.oid = format('%I.%I', c.table_schema, c.table_name)::regclass
        WHERE c.column_name = 'workspace_id' AND c.table_schema = current_schema() AND t.relkind IN ('r', 'p')
          AND NOT (t.relrowsecurity AND EXISTS (
              SELECT FROM pg_policies p WHERE p.schemaname = c.table_schema AND p.tablename = c.table_name
              AND p.roles = '{operationrun_web}' AND p.qual LIKE '%operationrun.workspaces%'
              AND p.with_check LIKE '%operationrun.workspaces%'))
        ORDER BY 1
    """
    with database.transaction() as session:
        return [*session.scalars(text(statement))]


def test_the_lock_is_searched_by_the_index_of_the_list(database: Database, own: UUID, foreign: UUID) -> None:
    statement = (
        "EXPLAIN (COSTS OFF) SELECT id FROM operation_runs WHERE workspace_id = :own "
        "ORDER BY created_at DESC, id DESC LIMIT 50"
    )
    with database.narrowed(lambda: within(frozenset({own, foreign}))).transaction() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        session.execute(text("SET LOCAL enable_sort = off"))
        plan = "\n".join(session.scalars(text(statement), {"own": own}))
    assert "using ix_operation_runs_list" in plan
    assert "Index Cond: ((workspace_id = ANY" in plan
    assert "InitPlan" in plan
    assert "Sort" not in plan
