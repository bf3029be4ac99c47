"""What `operationrun doctor` says of the way to the database, and of what its sessions begin with."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from runtime.local.doctor import examine
from runtime.local.finding import Finding
from runtime.local.pooling import Pooling
from runtime.migrate import upgrade
from runtime.settings import Settings
from tests.pgbouncer import running_pgbouncer


def finding(url: str, check: str) -> Finding:
    return next(each for each in examine(Settings(database_url=url)) if each.check == f"database {check}")


@contextmanager
def through(folder: Path, url: str, mode: str) -> Iterator[str]:
    with running_pgbouncer(folder / f"pgbouncer-{mode}", url, mode=mode) as pooler:
        yield pooler.before(url)


def test_it_tells_a_pooler_and_its_mode(server_folder: Path, database_url: str, pooled_url: str) -> None:
    assert finding(database_url, "connections").found == Pooling.NONE
    assert finding(pooled_url, "connections").found == Pooling.TRANSACTION
    with through(server_folder, database_url, "session") as url:
        assert finding(url, "connections").found == Pooling.UNKNOWN
        assert finding(url, "connections").state == "ok"
    with through(server_folder, database_url, "statement") as url:
        found = finding(url, "connections")
        assert (found.state, found.found) == ("missing", Pooling.STATEMENT)
        assert found.fix
        assert "pool_mode = transaction" in found.fix


def test_it_names_what_the_role_lacks_until_it_is_migrated(database_url: str) -> None:
    lacking = finding(database_url, "sessions")
    assert lacking.state == "note"
    assert lacking.fix
    assert "SET idle_in_transaction_session_timeout = '60s'. Then" in lacking.fix

    upgrade(database_url)

    assert finding(database_url, "sessions").state == "ok"


def test_its_statements_are_a_way_out(database_url: str) -> None:
    fix = finding(database_url, "sessions").fix
    assert fix
    statements = fix.split(": ", 1)[1].split(". ")[0]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(statements.encode())

    assert finding(database_url, "sessions").state == "ok"
