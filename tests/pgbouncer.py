"""PgBouncer before a PostgreSQL server, with so few connections that clients share them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import psycopg

from runtime.local.child_process import Program
from runtime.local.ports import HOST, free_ports
from runtime.local.supervisor import Supervisor
from runtime.local.system_user import open_passage, unprivileged_account
from tests.left_out import leave_out

# Fewer than the clients of any test of a whole system, so that no client keeps a connection to itself.
POOL_SIZE = 3
# Of the web servers that tests attack (tests/database/test_web_login.py).
WEB_LOGINS = {"operationrun_web_login": "web"}
ANSWERS_WITHIN = timedelta(seconds=10)
# Debian installs it where only root's PATH leads.
_WHERE = "/usr/sbin"
_INI = """
[databases]
* = host={server.hostname} port={server.port}

[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = {mode}
default_pool_size = {pool_size}
max_client_conn = 500
; A client that waits so long for a connection waits for one that another client never gives back.
query_wait_timeout = 20
"""


@dataclass(frozen=True, kw_only=True)
class Pooler:
    """A PgBouncer that listens on this machine; its server is the one that it was started for."""

    port: int

    def before(self, url: str) -> str:
        """Return a libpq URL of the server as one that leads through the pooler."""
        return _at_port(urlsplit(url), self.port)


@contextmanager
def running_pgbouncer(
    folder: Path, url: str, *, mode: str = "transaction", pool_size: int = POOL_SIZE
) -> Iterator[Pooler]:
    """Run PgBouncer, with its files in a folder, before the server of a libpq URL while the block lasts."""
    program = _program()
    if program is None:
        leave_out("everything behind PgBouncer", without="Install pgbouncer to test it.")
    pooler = Pooler(port=free_ports(1)[0])
    server = urlsplit(url)
    configuration = _write(folder, server, port=pooler.port, mode=mode, pool_size=pool_size)
    supervisor = Supervisor(folder, say=lambda _: None)
    try:
        # It refuses to run as root, as PostgreSQL does.
        account = unprivileged_account()
        supervisor.start(Program(name="pgbouncer", argv=(program, str(configuration)), account=account))
        supervisor.wait_for("pgbouncer", lambda _: _answers(pooler.before(url)), within=ANSWERS_WITHIN)
        yield pooler
    finally:
        supervisor.stop(["pgbouncer"])


def may_run_pgbouncer() -> bool:
    """Return whether PgBouncer is installed; in CI (`CI=true`) it has to be."""
    return _program() is not None or os.environ.get("CI", "").lower() == "true"


def _program() -> str | None:
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path=_WHERE)


def _write(folder: Path, server: SplitResult, *, port: int, mode: str, pool_size: int) -> Path:
    folder.mkdir(parents=True)
    users, configuration = folder / "users.txt", folder / "pgbouncer.ini"
    known = {str(server.username): str(server.password), **WEB_LOGINS}
    users.write_text("".join(f'"{name}" "{password}"\n' for name, password in known.items()))
    configuration.write_text(
        _INI.format(server=server, host=HOST, port=port, users=users, mode=mode, pool_size=pool_size)
    )
    if account := unprivileged_account():
        open_passage(users, account)
        for path in (users, configuration):
            shutil.chown(path, account.uid, account.gid)
    for path in (users, configuration):
        path.chmod(0o600)
    return configuration


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _at_port(url: SplitResult, port: int) -> str:
    access, _, _ = url.netloc.rpartition("@")
    return url._replace(netloc=f"{access}@{HOST}:{port}").geturl()
