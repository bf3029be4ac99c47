"""The reference of the API: the document for programs, and the same as a page."""

import json
from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Response, current_app, make_response, render_template, request

from web.api.openapi.document import document_of
from web.api.openapi.reference_page import reference_page
from web.api.openapi.spec import JSON, Content, EndpointSpec, Tag, documented
from web.context import services

_DOCUMENT: Final = "operationrun.openapi"

# Open to everyone: it holds nothing of any tenant.
reference = Blueprint("reference", __name__, url_prefix="/api/v1")


@reference.get("/openapi.json")
@documented(
    EndpointSpec(
        tag=Tag.SYSTEM,
        answers={HTTPStatus.OK: Content(description="This document.")},
        open=True,
        revalidated=True,
    )
)
def show_document() -> Response:
    """Give this document: OpenAPI 3.1."""
    return _revalidated(make_response(json.dumps(_document())), JSON)


@reference.get("/docs")
@documented(
    EndpointSpec(
        tag=Tag.SYSTEM,
        answers={HTTPStatus.OK: Content(media_types=("text/html",), description="The page.")},
        open=True,
        revalidated=True,
    )
)
def show_reference() -> Response:
    """Show this document as a page for people, made here; it reads without scripts."""
    page = reference_page(_document(), base_url=services().public_url)
    return _revalidated(make_response(render_template("reference.html", page=page)), "text/html")


def _document() -> dict[str, Any]:
    """Return the app's document, made once: the routes do not change."""
    found: dict[str, Any] | None = current_app.extensions.get(_DOCUMENT)
    if found is None:
        found = current_app.extensions[_DOCUMENT] = document_of(current_app)
    return found


def _revalidated(response: Response, media_type: str) -> Response:
    response.mimetype = media_type
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response
