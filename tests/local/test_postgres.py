import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from models.errors import OperationRunError
from runtime.local.postgres import EmbeddedPostgres, running_postgres
from tests.left_out import linux_alone

pytestmark = pytest.mark.feature

SERVE = (
    "import pathlib, sys\n"
    "from runtime.local.postgres import running_postgres\n"
    "with running_postgres(pathlib.Path(sys.argv[1]), say=lambda _: None) as server:\n"
    "    print(server.url, flush=True)\n"
    "    sys.stdin.read()\n"
)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    # Not pytest's folder: every start of pytest closes that to other users, and under root the server is one.
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder, "data")


def running(data_dir: Path) -> AbstractContextManager[EmbeddedPostgres]:
    return running_postgres(data_dir, say=lambda _: None)


def servers_on(data_dir: Path) -> list[int]:
    """Return the processes that work in a data directory, the server's own children included."""
    cluster = (data_dir / "postgres").resolve()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found += [int(folder.name)] if (folder / "cwd").resolve(strict=True) == cluster else []
        except OSError:
            continue
    return found


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true within 30 s"
        time.sleep(0.05)


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def remember(url: str, note: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (note text)")
        connection.execute("INSERT INTO notes VALUES (%s)", [note])


def notes(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT note FROM notes ORDER BY 1")]


def test_its_data_survives_a_restart_and_no_process_is_left(data_dir: Path) -> None:
    with running(data_dir) as server:
        remember(server.url, "kept")
        assert postmaster(data_dir) in servers_on(data_dir)
    assert servers_on(data_dir) == []
    with running(data_dir) as server:
        assert notes(server.url) == ["kept"]
    assert servers_on(data_dir) == []


def test_what_was_committed_survives_kill_9(data_dir: Path) -> None:
    with running(data_dir) as server:
        remember(server.url, "committed")
        os.kill(postmaster(data_dir), signal.SIGKILL)
        until(lambda: servers_on(data_dir) == [])
    assert (data_dir / "postgres" / "postmaster.pid").exists()
    with running(data_dir) as server:
        assert notes(server.url) == ["committed"]


@linux_alone("a server ends with its parent")
def test_it_shuts_down_cleanly_when_its_parent_is_killed(data_dir: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as parent:
        assert parent.stdout
        remember(parent.stdout.readline().strip(), "from the killed parent")
        parent.kill()
    # The next start does not wait for us to look: it waits for the old server itself.
    with running(data_dir) as server:
        assert notes(server.url) == ["from the killed parent"]
    log = (data_dir / "logs" / "postgres.log").read_text()
    assert "received fast shutdown request" in log
    assert "was not properly shut down" not in log


def test_it_asks_for_the_password_and_listens_on_this_machine_alone(data_dir: Path) -> None:
    with running(data_dir) as server:
        where = urlsplit(server.url)
        assert (where.scheme, where.hostname, where.username, where.path) == (
            "postgresql",
            "127.0.0.1",
            "operationrun",
            "/operationrun",
        )
        for password in ("", ":wrong"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(f"postgresql://operationrun{password}@127.0.0.1:{server.port}/operationrun")
        with psycopg.connect(server.url) as connection:
            shown = {
                name: connection.execute(f"SHOW {name}").fetchone() for name in ("fsync", "listen_addresses")
            }
            superuser = connection.execute(
                "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    assert shown == {"fsync": ("on",), "listen_addresses": ("127.0.0.1",)}
    assert superuser == (True,)
    assert (data_dir / "postgres.password").stat().st_mode & 0o777 == 0o600


def test_half_a_data_directory_of_an_interrupted_start_is_made_anew(data_dir: Path) -> None:
    (data_dir / "postgres.new" / "base").mkdir(parents=True)
    (data_dir / "postgres.new" / "PG_VERSION").write_text("18\n")
    with running(data_dir) as server:
        remember(server.url, "whole")
        assert notes(server.url) == ["whole"]
    assert not (data_dir / "postgres.new").exists()


def test_another_major_version_is_a_clear_error(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(
        OperationRunError, match=r"was made by PostgreSQL 16; this is PostgreSQL 18.*--data-dir"
    ):
        EmbeddedPostgres(data_dir, say=lambda _: None).prepare()
