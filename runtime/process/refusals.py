"""What the web server itself refuses, before the application sees it, as problem+json (RFC 9457)."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import structlog
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask

from web.problems import LONGEST_ADDRESS, MEDIA_TYPE

_CODES: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "content_too_large",
    HTTPStatus.REQUEST_URI_TOO_LONG: "uri_too_long",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "headers_too_large",
    HTTPStatus.NOT_IMPLEMENTED: "not_implemented",
    HTTPStatus.INTERNAL_SERVER_ERROR: "unexpected_error",
}
_DETAILS: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than the limit of 1 MiB.",
    HTTPStatus.REQUEST_URI_TOO_LONG: f"The address is longer than the limit of {LONGEST_ADDRESS} characters.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The header fields are larger than the limit of 16 KiB.",
    HTTPStatus.NOT_IMPLEMENTED: "The server takes no such Transfer-Encoding.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong that we did not foresee.",
}
_log = structlog.get_logger()


class RefusalTask(ErrorTask):  # type: ignore[misc] # waitress has no types
    """Answers a request that waitress cannot read with a problem, and closes its connection."""

    def execute(self) -> None:
        """Write the answer; the text of waitress's own error stays in the log."""
        status = _status_of(self.request)
        _log.warning("request_refused", status=status.value, reason=self.request.error.body)
        body = _problem(status)
        self.status = f"{status.value} {status.phrase}"
        self.response_headers.append(("Content-Type", MEDIA_TYPE))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


def _status_of(request: HTTPRequestParser) -> HTTPStatus:
    status = HTTPStatus(request.error.code)
    # Waitress counts the request line among the header fields. Where not even that line came to its end,
    # it is what is too long.
    if status is HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE and b"\n" not in request.header_plus:
        return HTTPStatus.REQUEST_URI_TOO_LONG
    return status


def _problem(status: HTTPStatus) -> bytes:
    problem = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status,
        "detail": _DETAILS.get(status, "The request is not valid HTTP."),
        "code": _CODES.get(status, "bad_request"),
    }
    return json.dumps(problem).encode()
