from datetime import timedelta
from http import HTTPStatus
from math import ceil

from flask import Response, make_response, request
from pydantic import BaseModel


def json_response(
    body: BaseModel,
    status: HTTPStatus = HTTPStatus.OK,
    *,
    location: str | None = None,
    retry_after: timedelta | None = None,
) -> Response:
    """Return a body as JSON; `location` is where the thing is found from now on.

    The response to a read carries the tag of its bytes, and is a 304 for whoever has them already.
    """
    response = make_response(body.model_dump_json(), status)
    response.mimetype = "application/json"
    if location:
        response.headers["Location"] = location
    if retry_after:
        response.headers["Retry-After"] = str(ceil(retry_after.total_seconds()))
    if request.method in {"GET", "HEAD"}:
        response.headers["Cache-Control"] = "private, no-cache"
        response.headers["Vary"] = "Authorization"
        response.add_etag()
        response.make_conditional(request)
    return response


def no_content() -> Response:
    """Return the response to what was removed: no body."""
    response = make_response("", HTTPStatus.NO_CONTENT)
    del response.headers["Content-Type"]
    return response
