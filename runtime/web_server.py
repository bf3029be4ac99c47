import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from runtime.process.buffering_worker import BufferingWorker
from runtime.process.exit import code_of, leave
from runtime.telemetry.multiprocess_metrics import forget_process

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# A process whose loop makes no turn for so long is replaced.
TURN_WITHIN = timedelta(seconds=60)
STOP_WITHIN = timedelta(seconds=8)
# Longer than clients and proxies keep an idle connection, so that the server never closes one just as a
# request arrives on it.
KEEP_ALIVE = timedelta(seconds=75)


@dataclass(frozen=True, kw_only=True)
class WebServerOptions:
    """The address of a web server, the number of its processes, and of threads in each."""

    host: str
    port: int
    workers: int = 2
    threads: int = 16


class WebServer(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """Gunicorn with an application that a factory makes in each worker process.

    docs/decisions/0015-gunicorn-in-process.md says why it reads no configuration file.
    """

    def __init__(self, make_app: "Callable[[], WSGIApplication]", options: WebServerOptions) -> None:
        self._make_app = make_app
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's options; read no file, argument or GUNICORN_CMD_ARGS."""
        for name, value in _gunicorn_settings(self._options).items():
            self.cfg.set(name, value)

    def load(self) -> "WSGIApplication":
        """Make the application in the worker process: Temporal's client does not survive a fork."""
        return self._make_app()


class _PropagatingLogger(Logger):  # type: ignore[misc] # gunicorn has no types
    """Passes gunicorn's lines on to the log of the process."""

    def setup(self, cfg: object) -> None:
        super().setup(cfg)
        self.error_log.propagate = True


def _gunicorn_settings(options: WebServerOptions) -> dict[str, Any]:
    return {
        "bind": f"{options.host}:{options.port}",
        "worker_class": BufferingWorker,
        "workers": options.workers,
        "threads": options.threads,
        "preload_app": False,
        "timeout": int(TURN_WITHIN.total_seconds()),
        "keepalive": int(KEEP_ALIVE.total_seconds()),
        "graceful_timeout": int(STOP_WITHIN.total_seconds()),
        "accesslog": None,
        "errorlog": None,
        "logger_class": _PropagatingLogger,
        "loglevel": "warning",
        "control_socket_disable": True,
        "worker_exit": _leave_worker,
        "child_exit": _forget_worker,
    }


def _forget_worker(_arbiter: object, worker: Any) -> None:
    forget_process(worker.pid)


def _leave_worker(_arbiter: object, _worker: object) -> None:
    """End a worker process with gunicorn's exit code, as `run_and_exit` ends others."""
    stop = sys.exception()
    leave(code_of(stop) if isinstance(stop, SystemExit) else 0)
