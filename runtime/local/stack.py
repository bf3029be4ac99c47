import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from temporalio.envconfig import ClientConfigProfile

from models.errors import OperationRunError
from runtime.local.child_process import Program, run_to_end
from runtime.local.own_program import own_argv, own_environment
from runtime.local.ports import HOST, free_ports, http_answers, need_free
from runtime.local.postgres import ANSWERS_WITHIN as POSTGRES_ANSWERS_WITHIN
from runtime.local.postgres import EmbeddedPostgres
from runtime.local.ready_file import Pids, Ready, write_ready_file
from runtime.local.secret_file import new_signing_key, stored_encryption_key, stored_secret
from runtime.local.seed import Seeded, seed
from runtime.local.supervisor import Supervisor
from runtime.local.temporal_cli import need_binary
from runtime.local.temporal_server import NAMESPACE, TemporalDevServer, need_answer
from runtime.migrate import prepare_web_login, upgrade
from runtime.settings import PREFIX, Settings
from runtime.temporal.profile import without_profile

STOP_ORDER = ("worker", "web", "temporal", "postgres")
ANSWERS_WITHIN = timedelta(minutes=1)
WORKER_STOPS_WITHIN = timedelta(seconds=35)
WEB_STOPS_WITHIN = timedelta(seconds=12)
WORKER_READY = "worker ready"
# A local system serves one developer, and the tests and benchmarks on the same machine.
LOCAL_LIMITS = {
    "token_requests_per_minute": 600_000,
    "token_requests_at_once": 60_000,
    "address_refusals_per_minute": 600_000,
    "address_refusals_at_once": 60_000,
}
# Each process gets the database's URL that it needs, and none from the environment of `up`.
WITHOUT_DATABASE = {
    f"{PREFIX}{name}{suffix}": "" for name in ("DATABASE_URL", "WEB_DATABASE_URL") for suffix in ("", "_FILE")
}
LOG_PROBLEMS = re.compile(r'"level": "(warning|error|critical)"|^Traceback')


@dataclass(frozen=True, kw_only=True)
class Started:
    """The addresses of a local system that answers, and the link that signs its owner in once."""

    ready: Ready
    sign_in_url: str


class LocalSystem:
    """PostgreSQL, Temporal, worker and web server of one machine, in the order of their dependencies."""

    def __init__(
        self, data_dir: Path, settings: Settings, *, ready_file: Path | None, say: Callable[[str], None]
    ) -> None:
        self._data_dir = data_dir
        self._given = settings
        self._ready_file = ready_file
        self._say = say
        self._logs = data_dir / "logs"
        self.supervisor = Supervisor(self._logs, say=say)

    def start(self, *, port: int, sample: bool, worker: bool) -> Started:
        """Start everything and return once all answers; raise OperationRunError for what does not."""
        self._remove_ready_file()
        if self._given.secret_key:
            # Before anything starts: the web server would refuse it last.
            self._given.need_secret_key()
        port = port or free_ports(1)[0]
        need_free(port)
        # Temporal first: it starts up while PostgreSQL makes its data directory.
        temporal = self._start_temporal()
        settings = self._settings(
            port=port,
            postgres=self._start_postgres(),
            temporal_address=temporal.address if temporal else self._given.temporal_address,
            temporal_ui_url=temporal.ui_url if temporal else self._given.temporal_ui_url,
        )
        self._prepare_database(settings)
        if temporal:
            self.supervisor.wait_for("temporal", lambda _: temporal.answers(), within=ANSWERS_WITHIN)
        self._prepare_temporal(settings)
        entry = seed(settings, sample=sample)
        self._start_processes(settings, port=port, worker=worker)
        return self._finish(settings, entry, web_url=_web_url(port))

    def stop(self) -> None:
        """Stop everything that was started, and remove the ready file."""
        self._say("Stopping.")
        self._remove_ready_file()
        self.supervisor.stop(STOP_ORDER)

    def _start_temporal(self) -> TemporalDevServer | None:
        address = self._given.temporal_address
        if address:
            self._say(f"Using the Temporal server at {address}.")
            need_answer(ClientConfigProfile(address=address, namespace=NAMESPACE))
            return None
        found = need_binary(say=self._say, logs=self._logs)
        server = TemporalDevServer(found.path, self._data_dir)
        self._say(f"Starting Temporal ({found.path}, from {found.way}).")
        self.supervisor.start(server.program())
        return server

    def _start_postgres(self) -> EmbeddedPostgres:
        if self._given.database_url:
            self._say("OPERATIONRUN_DATABASE_URL is left aside: `up` brings a PostgreSQL of its own.")
        server = EmbeddedPostgres(self._data_dir, say=self._say)
        self._say("Starting PostgreSQL.")
        self.supervisor.start(server.prepare())
        self.supervisor.wait_for("postgres", lambda _: server.answers(), within=POSTGRES_ANSWERS_WITHIN)
        server.create_database()
        return server

    def _settings(
        self,
        *,
        port: int,
        postgres: EmbeddedPostgres,
        temporal_address: str | None,
        temporal_ui_url: str | None,
    ) -> Settings:
        given = self._given
        own_key = stored_encryption_key(self._data_dir / "encryption.key")
        facts = {
            "database_url": postgres.url,
            "web_database_url": postgres.web_url,
            "temporal_address": temporal_address,
            "temporal_namespace": NAMESPACE,
            "temporal_ui_url": temporal_ui_url,
            "public_url": given.public_url if "public_url" in given.model_fields_set else _web_url(port),
            "data_dir": self._data_dir,
            "secret_key": given.secret_key or stored_secret(self._data_dir / "secret.key"),
            "encryption_key": given.encryption_key or (own_key,),
            "signing_key": given.signing_key
            or stored_secret(self._data_dir / "signing.pem", new_signing_key),
            "allowed_file_roots": (*given.allowed_file_roots, self._data_dir / "sample"),
        }
        limits = {name: most for name, most in LOCAL_LIMITS.items() if name not in given.model_fields_set}
        return given.model_copy(update=facts | limits)

    def _prepare_database(self, settings: Settings) -> None:
        self._say("Bringing the database up to date.")
        upgrade(settings.need_database_url())
        prepare_web_login(settings.need_database_url(), settings.need_web_database_url())

    def _prepare_temporal(self, settings: Settings) -> None:
        self._say("Setting Temporal up.")
        ended = run_to_end(_own("setup-temporal", settings), self._logs, within=ANSWERS_WITHIN)
        if ended.exit_code() != 0:
            raise OperationRunError(f"Temporal could not be set up: {ended.last_words()}")

    def _start_processes(self, settings: Settings, *, port: int, worker: bool) -> None:
        self._say("Starting the web server and the worker." if worker else "Starting the web server.")
        if worker:
            self.supervisor.start(
                _own("worker", settings, stop_within=WORKER_STOPS_WITHIN, ready_line=WORKER_READY)
            )
        self.supervisor.start(
            # On SIGINT gunicorn ends its workers at once; SIGKILL would leave them running.
            _own(
                "web",
                settings.model_copy(update={"database_url": None}),
                "--port",
                str(port),
                stop_within=WEB_STOPS_WITHIN,
                orphan_signal=signal.SIGINT,
            )
        )
        self.supervisor.wait_for("web", lambda _: http_answers(port, "/readyz"), within=ANSWERS_WITHIN)
        if worker:
            self.supervisor.wait_for("worker", lambda child: child.is_ready, within=ANSWERS_WITHIN)

    def _finish(self, settings: Settings, entry: Seeded, *, web_url: str) -> Started:
        def write() -> Ready:
            pid = self.supervisor.pid
            ready = Ready(
                web_url=web_url,
                temporal_address=settings.need_temporal().address or "",
                temporal_ui_url=settings.temporal_ui_url,
                database_url=settings.need_database_url(),
                api_token=entry.api_token,
                pids=Pids(
                    worker=pid("worker"), web=pid("web"), postgres=pid("postgres"), temporal=pid("temporal")
                ),
            )
            if self._ready_file:
                write_ready_file(self._ready_file, ready)
            return ready

        self.supervisor.on_change = write
        return Started(ready=write(), sign_in_url=entry.sign_in_url)

    def _remove_ready_file(self) -> None:
        if self._ready_file:
            self._ready_file.unlink(missing_ok=True)


def _web_url(port: int) -> str:
    return f"http://{HOST}:{port}"


def _own(
    command: str,
    settings: Settings,
    *arguments: str,
    stop_within: timedelta = timedelta(seconds=10),
    orphan_signal: signal.Signals = signal.SIGKILL,
    ready_line: str | None = None,
) -> Program:
    return Program(
        name=command,
        argv=own_argv("runtime.cli.main", command, *arguments),
        environment=without_profile(own_environment(WITHOUT_DATABASE | settings.as_environment())),
        stop_within=stop_within,
        orphan_signal=orphan_signal,
        ready_line=ready_line,
        shown=LOG_PROBLEMS,
    )
