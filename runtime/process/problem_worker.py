import contextlib
import json
import socket
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from flask import Flask
from gunicorn.http.errors import (
    ConfigurationProblem,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)
from gunicorn.workers.gthread import ThreadWorker

from web.context import EXTENSION
from web.problems import LONGEST_ADDRESS

# gunicorn refuses these requests before the application sees them.
_REFUSALS: Final[Mapping[type[Exception], HTTPStatus]] = {
    LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    ParseException: HTTPStatus.BAD_REQUEST,
}
# Subclasses of the above that are faults of the server.
_OWN_FAULTS: Final = (ConfigurationProblem, InvalidResponseHeader, InvalidResponseHeaderName)
_CODES: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.REQUEST_URI_TOO_LONG: "uri_too_long",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "headers_too_large",
}
_DETAILS: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.REQUEST_URI_TOO_LONG: f"The address is longer than the limit of {LONGEST_ADDRESS} characters.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The header fields are larger than the limit.",
}


class ProblemWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """Refuses invalid requests as problem+json (RFC 9457), and waits for no long poll when it stops."""

    def handle_exit(self, sig: int, frame: object) -> None:
        """Stop accepting requests, and answer those that wait for a run."""
        app = getattr(self, "wsgi", None)
        # None before the application is made, and no Flask where making it failed.
        if isinstance(app, Flask):
            app.extensions[EXTENSION].stopping.set()
        super().handle_exit(sig, frame)

    def handle_error(self, req: object, client: socket.socket, addr: object, exc: BaseException) -> None:
        """Refuse a request that gunicorn cannot read; leave every other error to gunicorn."""
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
