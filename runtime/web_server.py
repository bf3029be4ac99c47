import contextlib
import json
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.http.errors import (
    ConfigurationProblem,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)
from gunicorn.workers.gthread import ThreadWorker

from runtime.process.exit import code_of, leave
from runtime.telemetry.multiprocess_metrics import forget_process
from web.context import EXTENSION
from web.problems import LONGEST_ADDRESS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

REQUEST_WITHIN = timedelta(seconds=60)
STOP_WITHIN = timedelta(seconds=8)
# Longer than clients and proxies keep a connection that nobody uses: the side that closes it first is then
# never the one that is about to be asked.
KEEP_ALIVE = timedelta(seconds=75)
# The most that gunicorn takes; the application refuses addresses that are shorter (web/app.py).
LONGEST_REQUEST_LINE: Final = 8190

# Why gunicorn may refuse a request before the application has seen it.
_REFUSALS: Final[Mapping[type[Exception], HTTPStatus]] = {
    LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    ParseException: HTTPStatus.BAD_REQUEST,
}
# What it reports in the same way, and is not the caller's doing.
_OWN_FAULTS: Final = (ConfigurationProblem, InvalidResponseHeader, InvalidResponseHeaderName)
_CODES: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.REQUEST_URI_TOO_LONG: "uri_too_long",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "headers_too_large",
}
_DETAILS: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.REQUEST_URI_TOO_LONG: f"The address is longer than the limit of {LONGEST_ADDRESS} characters.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The header fields are larger than the limit.",
}


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


class ProblemWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """Answers what never became a request as programs understand it (RFC 9457), and stops without waiting."""

    def handle_exit(self, sig: int, frame: object) -> None:
        """Stop taking requests, and answer those that only wait for something."""
        app = getattr(self, "wsgi", None)
        # Not there yet, or a stand-in where the application could not be made.
        if isinstance(app, Flask):
            app.extensions[EXTENSION].stopping.set()
        super().handle_exit(sig, frame)

    def handle_error(self, req: object, client: socket.socket, addr: object, exc: BaseException) -> None:
        """Refuse a request that cannot be read; leave everything else to gunicorn."""
        status = next((status for kind, status in _REFUSALS.items() if isinstance(exc, kind)), None)
        if status is None or isinstance(exc, _OWN_FAULTS):
            super().handle_error(req, client, addr, exc)
            return
        self.log.warning("request refused: %s", type(exc).__name__)
        with contextlib.suppress(OSError):
            client.sendall(_refusal(status))


def _refusal(status: HTTPStatus) -> bytes:
    problem = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status,
        "detail": _DETAILS.get(status, "The request is not valid HTTP."),
        "code": _CODES.get(status, "bad_request"),
    }
    body = json.dumps(problem).encode()
    head = (
        f"HTTP/1.1 {status} {status.phrase}\r\nConnection: close\r\n"
        f"Content-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _PropagatingLogger(Logger):  # type: ignore[misc] # gunicorn has no types
    """Leaves gunicorn's lines to the logging of the process."""

    def setup(self, cfg: object) -> None:
        super().setup(cfg)
        self.error_log.propagate = True


def _gunicorn_settings(options: WebServerOptions) -> dict[str, Any]:
    return {
        "bind": f"{options.host}:{options.port}",
        "worker_class": ProblemWorker,
        "limit_request_line": LONGEST_REQUEST_LINE,
        "workers": options.workers,
        "threads": options.threads,
        "preload_app": False,
        "timeout": int(REQUEST_WITHIN.total_seconds()),
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
    """End a gunicorn process without finalizing the interpreter, with the exit code gunicorn chose for it."""
    stop = sys.exception()
    leave(code_of(stop) if isinstance(stop, SystemExit) else 0)
