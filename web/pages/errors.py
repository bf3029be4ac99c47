from http import HTTPStatus

from flask import Flask, Response, g, make_response, render_template, request
from flask import session as cookie
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from models.errors import Conflict, InvalidInput, OperationRunError, Unauthenticated
from services.engine import EngineUnreachable
from web.failures import log_failure
from web.pages.sessions import own_path, sign_in_page
from web.presenters.error_pages import PAGES, ErrorPage
from web.problems import problem_of


def register(app: Flask) -> None:
    """Answer every error outside the API with a calm page."""
    app.register_error_handler(HTTPException, error_page)
    app.register_error_handler(Exception, error_page)


def error_page(error: Exception) -> Response:
    """Word any error as a page with the status that the API would give it."""
    if isinstance(error, RequestRedirect):
        return make_response(error.get_response())
    problem = problem_of(error)
    status = HTTPStatus(problem.status)
    log_failure(problem, error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # Who reads the page may be what could not be read.
        g.pop("principal", None)
    if status is HTTPStatus.UNAUTHORIZED:
        cookie.clear()
        if _may_sign_in_here(error):
            return make_response(sign_in_page(following=_following()), status)
    detail = str(error) if isinstance(error, (Conflict, InvalidInput)) else None
    page = render_template("error.html", page=_page(error, status), status=status.value, detail=detail)
    response = make_response(page, status.value)
    if isinstance(error, HTTPException):
        # Allow of a 405 and the like; the body and its type are ours.
        response.headers.extend((k, v) for k, v in error.get_headers() if k.lower() != "content-type")
    return response


def _may_sign_in_here(error: Exception) -> bool:
    """Tell whether all that is missing is to know who reads."""
    return type(error) is Unauthenticated and request.endpoint != "sessions.sign_in"


def _following() -> str | None:
    """Return where to go once it is known who reads: the page itself, unless a form was sent to it."""
    return own_path(request.full_path.rstrip("?")) if request.method == "GET" else None


def _page(error: Exception, status: HTTPStatus) -> ErrorPage:
    if isinstance(error, CSRFError):
        return PAGES["csrf"]
    if status is HTTPStatus.UNAUTHORIZED and request.endpoint == "sessions.sign_in":
        return PAGES["sign_in_link"]
    if isinstance(error, OperationRunError) and error.code in PAGES:
        return PAGES[error.code]
    if isinstance(error, EngineUnreachable):
        return PAGES["engine"]
    return PAGES.get(str(status.value), PAGES["other"])
