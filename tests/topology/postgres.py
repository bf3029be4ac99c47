import shutil
import signal
import subprocess
from datetime import timedelta
from pathlib import Path

from runtime.local.child_process import Program, run_to_end
from runtime.local.ports import HOST
from runtime.local.system_user import open_passage, unprivileged_account
from tests.topology.compose_file import ComposeFile
from tests.topology.machine import Machine
from tests.topology.programs import Programs

MADE_WITHIN = timedelta(minutes=1)


class Postgres:
    """The file's service `postgres`, by the system's PostgreSQL: one cluster with every database."""

    def __init__(self, file: ComposeFile, machine: Machine, programs: Programs) -> None:
        self._file, self._machine, self._binaries = file, machine, programs.postgres
        self._service = file.services["postgres"]
        self._account = unprivileged_account()
        self._cluster = machine.volume("postgres")

    def make(self) -> None:
        """Make the cluster, as the image does at its first start."""
        self._cluster.mkdir(parents=True, mode=0o700)
        password = self._machine.volume("postgres.password")
        password.write_text(self._machine.secret("postgres_password"))
        if self._account:
            open_passage(self._cluster, self._account)
            for path in (self._cluster, password):
                shutil.chown(path, self._account.uid, self._account.gid)
        argv = (
            *(str(self._binaries / "initdb"), "-D", str(self._cluster), "--username=postgres"),
            *(f"--pwfile={password}", "--auth=scram-sha-256", "--no-instructions"),
            *self._service.environment["POSTGRES_INITDB_ARGS"].split(),
        )
        done = run_to_end(self._program("initdb", argv), self._machine.logs, within=MADE_WITHIN)
        assert done.exit_code() == 0, done.last_words()

    def program(self) -> Program:
        """Return the server, with the options that the file gives it."""
        first, *options = self._service.command
        assert first == "postgres"
        here = {"listen_addresses": HOST, "port": self._machine.postgres_port, "unix_socket_directories": ""}
        options += [word for name, value in here.items() for word in ("-c", f"{name}={value}")]
        argv = (str(self._binaries / "postgres"), "-D", str(self._cluster), *options)
        return self._program("postgres", argv)

    def answers(self) -> bool:
        """Ask it what the file's health check asks."""
        name, *arguments = self._service.health_test
        return self._run(name, *arguments, check=False).returncode == 0

    def make_databases(self) -> None:
        """Run what the image runs once, at its first start."""
        script = self._machine.here(self._file.config("databases"))
        self._run("psql", "--set=ON_ERROR_STOP=1", "--quiet", said=script)

    def create_database(self, name: str) -> None:
        self._run("psql", "--quiet", f"--command=CREATE DATABASE {name} OWNER operationrun")

    def drop_database(self, name: str) -> None:
        self._run("psql", "--quiet", f"--command=DROP DATABASE {name}")

    def dump(self, database: str, into: Path) -> None:
        user = "operationrun"
        self._run("pg_dump", "--format=custom", f"--file={into}", database, user=user)

    def restore(self, database: str, dump: Path) -> None:
        options = (f"--dbname={database}", "--exit-on-error")
        self._run("pg_restore", *options, str(dump), user="operationrun")

    def url(self, database: str) -> str:
        password = self._machine.secret("operationrun_password")
        return f"postgresql://operationrun:{password}@{HOST}:{self._machine.postgres_port}/{database}"

    def _program(self, name: str, argv: tuple[str, ...]) -> Program:
        return Program(
            name=name,
            argv=argv,
            environment=self._machine.bare_environment(),
            account=self._account,
            # The image's own: sessions are ended, and nothing is left to recover.
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
            stop_within=self._service.stop_within,
        )

    def _run(
        self, name: str, *arguments: str, user: str = "postgres", said: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        access = {
            "PGHOST": HOST,
            "PGPORT": str(self._machine.postgres_port),
            "PGUSER": user,
            "PGPASSWORD": self._machine.secret(f"{user}_password"),
        }
        done = subprocess.run(
            [self._binaries / name, *arguments],
            env={**self._machine.bare_environment(), **access},
            input=said,
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0 or not check, done.stderr
        return done
