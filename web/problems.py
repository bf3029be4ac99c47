from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from math import ceil
from typing import Annotated, Any, Final, TypeVar

import structlog
from flask import Response, g, make_response, request
from pydantic import BeforeValidator
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from models import errors
from models.contracts import Contract
from services.engine.port import EngineUnreachable

# Characters of an address, its query string included; the web server itself takes a little more.
LONGEST_ADDRESS: Final = 4000
MAX_BODY: Final = 1024 * 1024


T = TypeVar("T")

MEDIA_TYPE: Final = "application/problem+json"

# The one translation of this project's errors into HTTP; a class that is not here answers as its parent does.
STATUSES: Final[Mapping[type[errors.OperationRunError], HTTPStatus]] = {
    errors.InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.EncryptionKeyMissing: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.RepositoryError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.OperationStopped: HTTPStatus.CONFLICT,
    errors.StartUnconfirmed: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ReportTooLarge: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ReportFailed: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.TooManyFetches: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.IdentityProviderUnreachable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
}

# The field of a request that a repository's answer is about.
_FIELDS: Final[Mapping[type[errors.RepositoryError], str]] = {
    errors.RefNotFound: "ref",
    errors.PathPrefixEmpty: "path_prefix",
    errors.RepositoryError: "repository_url",
}

# HTTP's present name; Python's follows in a later version.
_CODES: Final[Mapping[int, str]] = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "content_too_large",
    HTTPStatus.REQUEST_URI_TOO_LONG: "uri_too_long",
}

# How long to wait before the next try of what is out of reach.
_RETRY_AFTER: Final = timedelta(seconds=2)

_OUT_OF_REACH = (OperationalError, InterfaceError, PoolTimeout)

_DETAILS: Final[Mapping[int, str]] = {
    HTTPStatus.NOT_FOUND: errors.NotFound.default_message(),
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take that method; see the Allow header.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than the limit of 1 MiB.",
    HTTPStatus.REQUEST_URI_TOO_LONG: "The address is longer than the limit of 4000 characters.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Send the body as Content-Type: application/json.",
}


# A request may hold half surrogates, which no response can carry.
Text = Annotated[str, BeforeValidator(lambda given: given.encode("utf-8", "replace").decode())]


class FieldError(Contract):
    """What is wrong with one field; `field` is its path in the body, or the name of a parameter or header."""

    field: Text
    message: Text


class InvalidFields(errors.InvalidInput):
    """Fields of a body, or parameters, are not valid."""

    def __init__(self, fields: Sequence[FieldError]) -> None:
        super().__init__(fields[0].field, fields[0].message)
        self.fields = tuple(fields)


class Problem(Contract):
    """A refusal as RFC 9457 words it, with this project's `code` and the fields it is about.

    `run_id` names the run that stands in the way; `request_id` finds an unforeseen failure in the log.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: Text
    code: str
    errors: tuple[FieldError, ...] = ()
    run_id: str | None = None
    request_id: str | None = None


def problem_of(error: Exception) -> Problem:
    """Return any error as a problem; an unforeseen one reveals nothing of the inside."""
    if isinstance(error, HTTPException):
        return _http(error)
    if isinstance(error, _OUT_OF_REACH):
        detail = "The database does not answer at the moment. Nothing is lost; try again shortly."
        return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "database_unavailable", detail, with_request=True)
    if isinstance(error, EngineUnreachable):
        detail = (
            "The system that carries operations out does not answer at the moment, so nothing can be "
            "concluded. Nothing was changed; try again shortly."
        )
        return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "engine_unavailable", detail, with_request=True)
    status = _entry(STATUSES, error)
    if status is None or not isinstance(error, errors.OperationRunError):
        detail = "Something went wrong that we did not foresee. Give the request id to whoever runs this."
        return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "unexpected_error", detail, with_request=True)
    problem = _problem(status, error.code, str(error))
    return problem.model_copy(
        update={"errors": _field_errors(error), "run_id": getattr(error, "run_id", None)}
    )


def retry_after(error: Exception) -> timedelta:
    """Return how long to wait before the next try, after an error that passes by itself."""
    return error.retry_after if isinstance(error, errors.TooManyRequests) else _RETRY_AFTER


def respond(problem: Problem, *, retry_after: timedelta = _RETRY_AFTER) -> Response:
    """Return a problem as a response; one that passes by itself carries Retry-After."""
    response = make_response(problem.model_dump_json(exclude_none=True), problem.status)
    response.mimetype = MEDIA_TYPE
    if problem.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="operationrun"'
    if problem.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        response.headers["Retry-After"] = str(ceil(retry_after.total_seconds()))
    return response


def _http(error: HTTPException) -> Problem:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    detail = _DETAILS.get(status) or error.description or status.phrase
    return _problem(status, _CODES.get(status, status.name.lower()), detail)


def _problem(status: HTTPStatus, code: str, detail: str, *, with_request: bool = False) -> Problem:
    request_id = g.get("request_id") if with_request else None
    return Problem(title=status.phrase, status=status, detail=detail, code=code, request_id=request_id)


def _field_errors(error: errors.OperationRunError) -> tuple[FieldError, ...]:
    match error:
        case InvalidFields():
            return error.fields
        case errors.InvalidInput():
            return (FieldError(field=error.field, message=str(error)),)
        case errors.IdempotencyKeyReused():
            return tuple(FieldError(field=field, message="differs from before") for field in error.fields)
        case errors.EncryptionKeyMissing():
            return ()
        case errors.RepositoryError():
            return (FieldError(field=_entry(_FIELDS, error) or "repository_url", message=str(error)),)
        case _:
            return ()


def _entry(table: Mapping[Any, T], error: Exception) -> T | None:
    return next((table[kind] for kind in type(error).__mro__ if kind in table), None)


_log = structlog.get_logger()


def log_failure(problem: Problem, error: Exception) -> None:
    """Log a request that failed on our side.

    A dependency out of reach is foreseen and takes one line; everything else comes with its traceback.
    """
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        _log.warning(problem.code, path=request.path)
    elif problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("request_failed", path=request.path, exc_info=error)
