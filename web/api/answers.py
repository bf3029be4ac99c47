from http import HTTPStatus

from flask import Response, make_response
from pydantic import BaseModel


def answer(body: BaseModel, status: HTTPStatus = HTTPStatus.OK, *, location: str | None = None) -> Response:
    """Answer a program with a body, and where the thing it is about is found from now on."""
    response = make_response(body.model_dump_json(), status)
    response.mimetype = "application/json"
    if location:
        response.headers["Location"] = location
    return response
