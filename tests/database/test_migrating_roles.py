"""Migrating where the database's role may not create roles, as on many a managed PostgreSQL."""

from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest

from models.errors import OperationRunError
from runtime.migrate import check, downgrade, upgrade
from services.database.row_security import within
from services.database.session import Database
from tests.conftest import named


@pytest.fixture
def modest_url(postgres_url: str) -> Iterator[str]:
    """An empty database whose owner may log in and nothing else."""
    name = f"modest_{uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'modest'")
        connection.execute(f"CREATE DATABASE {name} OWNER {name}")
        parts = urlsplit(named(postgres_url, name))
        yield parts._replace(netloc=f"{name}:modest@{parts.hostname}:{parts.port}").geturl()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.execute(f"DROP ROLE {name}")


def test_it_says_what_somebody_else_has_to_run_and_changes_nothing(modest_url: str) -> None:
    owner = urlsplit(modest_url).username
    with pytest.raises(OperationRunError, match=f"GRANT operationrun_web, operationrun_sign_in TO {owner};"):
        upgrade(modest_url)
    with psycopg.connect(modest_url) as connection:
        assert connection.execute(
            "SELECT count(*) FROM pg_tables WHERE tableowner = current_user"
        ).fetchone() == (0,)


def test_it_migrates_once_that_was_run_and_the_web_assumes_the_role(
    modest_url: str, postgres_url: str
) -> None:
    owner = urlsplit(modest_url).username
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"GRANT operationrun_web, operationrun_sign_in TO {owner}")
    upgrade(modest_url)
    check(modest_url)
    database = Database.connect(modest_url)
    with database.narrowed(lambda: within(frozenset())).transaction() as session:
        assert session.connection().exec_driver_sql("SELECT current_user").scalar_one() == "operationrun_web"
        assert session.connection().exec_driver_sql("SELECT count(*) FROM workspaces").scalar_one() == 0
    database.close()
    downgrade(modest_url, "base")


def test_a_role_that_may_create_others_needs_nobody(modest_url: str, postgres_url: str) -> None:
    owner = urlsplit(modest_url).username
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"ALTER ROLE {owner} CREATEROLE")
        connection.execute(
            f"GRANT operationrun_web, operationrun_sign_in TO {owner} WITH ADMIN TRUE, SET FALSE"
        )
    upgrade(modest_url)
    downgrade(modest_url, "base")
