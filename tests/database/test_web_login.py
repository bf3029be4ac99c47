"""An attack on the database by whoever has the web server's login, in PostgreSQL's own words."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from models.base import Base
from models.errors import OperationRunError
from models.tables import TABLES
from runtime.migrate import prepare_web_login
from services.database.row_security import SIGNING_IN, within
from services.database.session import Database
from services.database.web_login import excess_powers
from tests.database.populated import populate
from tests.pgbouncer import WEB_LOGINS

assert TABLES

((LOGIN, PASSWORD),) = WEB_LOGINS.items()
TABLE_NAMES = sorted(Base.metadata.tables)
REFUSED = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.CheckViolation,
    # It has no workspaces: none were named, or RESET ALL took their names away.
    psycopg.errors.UndefinedObject,
    psycopg.errors.InvalidTextRepresentation,
)
# Rows that are kept as they were written, whoever has the web's login.
APPEND_ONLY = [
    "audit_chains",
    "audit_entries",
    "environment_review_changes",
    "operation_requests",
    "operation_run_histories",
    "operation_run_transitions",
    "restore_plans",
    "restore_results",
]
# With their owner's rights: each is listed, so that none is added unseen.
DEFINERS = [
    "append_audit_entries", "chain_audit_entry", "connect_as_before", "environment_review_laws",
    "reviews_of_run",
]  # fmt: skip


def with_login(url: str, login: str = LOGIN, *, password: str = PASSWORD) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{login}:{password}@{parts.hostname}:{parts.port}").geturl()


@pytest.fixture
def web_url(database_url: str) -> str:
    """The web server's way into this test's database, as `migrate` prepares it."""
    url = with_login(database_url)
    prepare_web_login(database_url, url)
    return url


@pytest.fixture
def own(database: Database) -> UUID:
    return populate(database, "own")


@pytest.fixture
def foreign(database: Database) -> UUID:
    return populate(database, "foreign")


@pytest.fixture
def web(web_url: str, own: UUID, foreign: UUID) -> Iterator[psycopg.Connection]:
    """A connection of the attacker's, with rows of two workspaces to reach for."""
    assert own != foreign
    # Through a pooler too: nothing is prepared.
    with psycopg.connect(web_url, autocommit=True, prepare_threshold=None) as connection:
        yield connection


@contextmanager
def assumed(web: psycopg.Connection, role: str, workspaces: str = "{}") -> Iterator[psycopg.Connection]:
    with web.transaction(force_rollback=True):
        web.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
        web.execute("SELECT set_config('operationrun.workspaces', %s, true)", [workspaces])
        web.execute("SET LOCAL operationrun.writer = 'OperationRunService'")
        yield web


def refused(web: psycopg.Connection, *statements: str) -> None:
    """Every statement in one transaction; the last of them has to be refused."""
    with web.transaction(force_rollback=True):
        for statement in statements[:-1]:
            web.execute(statement.encode())
        with pytest.raises(REFUSED), web.transaction():
            web.execute(statements[-1].encode())


@pytest.mark.parametrize("table", [*TABLE_NAMES, "alembic_version"])
def test_the_login_by_itself_reaches_no_table(web: psycopg.Connection, table: str) -> None:
    for statement in (
        f"SELECT count(*) FROM {table}",
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
        f"COPY {table} TO STDOUT",
        f"LOCK TABLE {table}",
    ):
        refused(web, statement)


@pytest.mark.parametrize(
    "step",
    [
        "RESET ROLE",
        "SET LOCAL ROLE NONE",
        "SELECT set_config('role', 'none', true)",
        "RESET ALL",
        "RESET SESSION AUTHORIZATION",
        "SET SESSION AUTHORIZATION DEFAULT",
    ],
)
@pytest.mark.parametrize("role", ["operationrun_web", "operationrun_sign_in"])
def test_leaving_the_role_gains_nothing(web: psycopg.Connection, own: UUID, role: str, step: str) -> None:
    refused(
        web,
        f"SET LOCAL ROLE {role}",
        f"SELECT set_config('operationrun.workspaces', '{{{own}}}', true)",
        step,
        "SELECT count(*) FROM operation_runs",
    )


def test_it_becomes_no_other_role(web: psycopg.Connection, database: Database) -> None:
    with database.transaction() as session:
        roles = set(session.scalars(text("SELECT rolname FROM pg_roles")))
    others = roles - {LOGIN, "operationrun_web", "operationrun_sign_in"}
    assert {"operationrun", "pg_read_all_data", "pg_execute_server_program"} <= others
    for role in others:
        refused(web, f'SET LOCAL ROLE "{role}"')
        refused(web, f'SET LOCAL SESSION AUTHORIZATION "{role}"')
    for role in others - {"pg_database_owner"}:  # which takes no members at all
        refused(web, f'GRANT "{role}" TO {LOGIN}')
    for role in (LOGIN, "operationrun_web", "operationrun"):
        refused(web, f"ALTER ROLE {role} SUPERUSER")
        refused(web, f"ALTER ROLE {role} BYPASSRLS")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE own (id int)",
        "CREATE SCHEMA own",
        "CREATE FUNCTION own() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP EXTENSION plpgsql",
        "CREATE ROLE mallory SUPERUSER",
        "DROP TABLE audit_entries",
        "DROP POLICY web ON operation_runs",
        "CREATE POLICY everything ON operation_runs USING (true)",
        "ALTER TABLE operation_runs DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE operation_runs NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE audit_entries DISABLE TRIGGER ALL",
        "ALTER TABLE operation_runs OWNER TO operationrun_web",
        "DROP TRIGGER operation_run_laws ON operation_runs",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "ALTER FUNCTION chain_audit_entry() SECURITY INVOKER",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO operationrun_web",
        "SET session_replication_role = replica",
        "SET LOCAL row_security = off; SELECT count(*) FROM operation_runs",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "COPY (SELECT 1) TO '/tmp/leak'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT pg_ls_dir('/')",
        "SELECT pg_reload_conf()",
        "SELECT count(*) FROM pg_authid",
        "DO $$ BEGIN EXECUTE 'ALTER TABLE operation_runs DISABLE TRIGGER ALL'; END $$",
    ],
)
@pytest.mark.parametrize("role", [LOGIN, "operationrun_web", "operationrun_sign_in"])
def test_no_role_of_the_web_changes_the_schema_or_leaves_the_database(
    web: psycopg.Connection, own: UUID, role: str, statement: str
) -> None:
    refused(
        web,
        f"SET LOCAL ROLE {role}",
        f"SELECT set_config('operationrun.workspaces', '{{{own}}}', true)",
        statement,
    )


@pytest.mark.parametrize("statement", ["CREATE DATABASE own", "ALTER SYSTEM SET fsync = off", "CHECKPOINT"])
def test_nor_does_the_login_outside_a_transaction(web: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute(statement.encode())


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_what_is_appended_stays_for_every_role_of_the_web(
    web: psycopg.Connection, own: UUID, table: str
) -> None:
    column = "chain" if table == "audit_chains" else "workspace_id"
    for role in ("operationrun_web", "operationrun_sign_in"):
        for statement in (
            f"UPDATE {table} SET {column} = {column}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
            f"SELECT count(*) FROM (SELECT FROM {table} FOR UPDATE) AS locked",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), assumed(web, role, f"{{{own}}}"):
                web.execute(statement.encode())


def test_an_audit_entry_that_it_adds_is_chained_and_names_its_own_position(
    web: psycopg.Connection, own: UUID
) -> None:
    columns = "workspace_id, action, subject, detail, actor_kind, actor_name, at, position, hash"
    with assumed(web, "operationrun_web", f"{{{own}}}"):
        values = "%s, 'view_saved', 'x', '', 'user', 'x', now(), 1, ''"
        insert = f"INSERT INTO audit_entries ({columns}) VALUES ({values}) RETURNING position, hash"
        row = web.execute(insert.encode(), [own]).fetchone()
    assert row is not None
    assert row[0] > 1
    assert len(row[1]) == 64


def test_functions_with_their_owners_rights_are_few_and_look_at_no_table_of_the_caller(
    database: Database,
) -> None:
    statement = text(
        "SELECT proname, proconfig FROM pg_proc WHERE prosecdef "
        "AND pronamespace = current_schema()::regnamespace ORDER BY proname"
    )
    with database.transaction() as session:
        found = {row.proname: row.proconfig for row in session.execute(statement)}
    assert list(found) == DEFINERS
    assert set(map(str, found.values())) == {"['search_path=public, pg_temp']"}


def test_a_temporary_table_does_not_stand_in_for_a_chain(web: psycopg.Connection, own: UUID) -> None:
    with assumed(web, "operationrun_web", f"{{{own}}}"):
        web.execute("CREATE TEMP TABLE audit_chains (chain uuid, count bigint, head text)")
        web.execute("CREATE TEMP TABLE audit_entries (LIKE public.audit_entries)")
        entry = {
            "workspace_id": str(own),
            "action": "view_saved",
            "subject": "x",
            "detail": "",
            "actor_kind": "user",
            "actor_name": "x",
            "at": "2026-11-28T00:00:00Z",
        }
        web.execute("SELECT append_audit_entries(%s::jsonb)", [json.dumps([entry])])
        chained = web.execute("SELECT count(*) FROM public.audit_entries WHERE subject = 'x'").fetchone()
    assert chained == (1,)


def test_what_remains_it_can_name_any_workspace_as_the_web_server_itself_can(
    web: psycopg.Connection, own: UUID, foreign: UUID
) -> None:
    """The web server serves every workspace, and so does its login; docs/threat-model.md says so."""
    with assumed(web, "operationrun_web", f"{{{own},{foreign}}}"):
        assert web.execute("SELECT count(*) FROM environments").fetchone() == (2,)
    with assumed(web, "operationrun_web", f"{{{own}}}"):
        assert web.execute("SELECT count(*) FROM environments").fetchone() == (1,)


def test_the_web_servers_own_transactions_work_by_it(web_url: str, own: UUID) -> None:
    database = Database.connect(web_url)
    narrowed = database.narrowed(lambda: within(frozenset({own})))
    with narrowed.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM environments")) == 1
    with narrowed.transaction(SIGNING_IN) as session:
        assert session.scalar(text("SELECT count(*) FROM users")) == 1
        assert session.scalar(text("SELECT session_user")) == LOGIN
        assert session.scalar(text("SHOW statement_timeout")) == "30s"
    database.close()


def test_preparing_it_twice_changes_nothing(database_url: str, web_url: str) -> None:
    prepare_web_login(database_url, web_url)
    database = Database.connect(database_url)
    with database.engine.connect() as connection:
        assert excess_powers(connection, LOGIN) == []
    database.close()


def test_a_login_that_may_do_more_is_refused(database_url: str, postgres_url: str) -> None:
    with pytest.raises(OperationRunError, match="it is a superuser"):
        prepare_web_login(database_url, database_url)
    name = f"reader_{uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'web'".encode())
        connection.execute(f"GRANT pg_read_all_data TO {name}".encode())
        with pytest.raises(OperationRunError, match="it belongs to other roles"):
            prepare_web_login(database_url, with_login(database_url, name))
        connection.execute(f"DROP ROLE {name}".encode())


def test_a_wrong_password_is_named_and_sets_none(database_url: str, web_url: str) -> None:
    with pytest.raises(OperationRunError, match="does not connect"):
        prepare_web_login(database_url, with_login(database_url, password="wrong"))
    psycopg.connect(web_url).close()
