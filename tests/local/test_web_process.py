"""The web process of `up`: what its environment opens to whoever reads it."""

import psutil
import psycopg
import pytest

from tests.system import System


def test_it_is_given_its_own_database_login_and_no_other(idle_system: System) -> None:
    ready = idle_system.ready
    environment = psutil.Process(ready["pids"]["web"]).environ()

    given = {value for name, value in environment.items() if "DATABASE_URL" in name and value}
    assert len(given) == 1
    assert ready["database_url"] not in environment.values()
    with psycopg.connect(given.pop(), autocommit=True) as connection:
        connection.execute("SET ROLE operationrun_web")
        connection.execute("RESET ROLE")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT count(*) FROM operation_runs")


def test_the_ready_files_role_is_not_narrowed(idle_system: System) -> None:
    with psycopg.connect(idle_system.ready["database_url"]) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM workspaces").fetchone() == (True,)
