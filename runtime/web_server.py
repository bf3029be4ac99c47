import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from runtime.exits import code_of, leave

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

REQUEST_WITHIN = timedelta(seconds=60)
STOP_WITHIN = timedelta(seconds=8)


@dataclass(frozen=True, kw_only=True)
class WebServerOptions:
    """Where a web server listens, with how many processes and threads in each."""

    host: str
    port: int
    workers: int = 2
    threads: int = 16


class WebServer(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """Gunicorn, serving the application that a factory makes in each of its processes."""

    def __init__(self, make_app: "Callable[[], WSGIApplication]", options: WebServerOptions) -> None:
        self._make_app = make_app
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's options; nothing is read from files, arguments or GUNICORN_CMD_ARGS."""
        for name, value in _gunicorn_settings(self._options).items():
            self.cfg.set(name, value)

    def load(self) -> "WSGIApplication":
        """Make the application in the process that serves it: Temporal's client does not survive a fork."""
        return self._make_app()


class _Handover(Logger):  # type: ignore[misc] # gunicorn has no types
    """Leaves gunicorn's lines to the logging of the process."""

    def setup(self, cfg: object) -> None:
        super().setup(cfg)
        self.error_log.propagate = True


def _gunicorn_settings(options: WebServerOptions) -> dict[str, Any]:
    return {
        "bind": f"{options.host}:{options.port}",
        "worker_class": "gthread",
        "workers": options.workers,
        "threads": options.threads,
        "preload_app": False,
        "timeout": int(REQUEST_WITHIN.total_seconds()),
        "graceful_timeout": int(STOP_WITHIN.total_seconds()),
        "accesslog": None,
        "errorlog": None,
        "logger_class": _Handover,
        "loglevel": "warning",
        "control_socket_disable": True,
        "worker_exit": _leave_worker,
    }


def _leave_worker(_arbiter: object, _worker: object) -> None:
    """End a gunicorn process without finalizing the interpreter, with the exit code gunicorn chose for it."""
    stop = sys.exception()
    leave(code_of(stop) if isinstance(stop, SystemExit) else 0)
