from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from flask import Flask, Response, g, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from models.contracts import Contract
from models.errors import Conflict, InvalidInput, OperationRunError, Unauthenticated
from services.engine.port import EngineUnreachable
from web.accounts.sign_in import own_path, sign_in_page
from web.browser_session import forget_session
from web.problems import log_failure, problem_of


class ErrorPage(Contract):
    """What an error page says: what happened, what it means, and the way out."""

    title: str
    body: str
    next: str


def _say(title: str, body: str, next_: str) -> ErrorPage:
    return ErrorPage(title=title, body=body, next=next_)


PAGES: Final[Mapping[str, ErrorPage]] = {
    "400": _say(
        "That request could not be read.",
        "Something in the address or the form is not as it should be. Nothing was changed.",
        "Go back, load the page again, and try once more.",
    ),
    "401": _say(
        "Please sign in.",
        "This page is for people who belong to a workspace.",
        "Open the sign-in link that “operationrun up” prints when it starts, or ask whoever runs this "
        "installation for one: “operationrun user create” makes it.",
    ),
    "403": _say(
        "Your role does not allow this.",
        "You may look at it, and somebody with another role may do it. Nothing was changed.",
        "Ask an owner of the workspace.",
    ),
    "404": _say(
        "There is nothing here.",
        "The address may be mistyped, or it belongs to a workspace that you are not in.",
        "Start from the first page.",
    ),
    "405": _say(
        "This address does not work that way.",
        "It was asked for in a way that it does not answer. Nothing was changed.",
        "Go back and use the page's own buttons.",
    ),
    "409": _say(
        "This cannot be done as things stand now.",
        "Nothing was changed.",
        "Go back, load the page again, and look at what is different.",
    ),
    "413": _say(
        "That was more than this form can take.",
        "What was sent is larger than the limit. Nothing was changed.",
        "Go back and send less.",
    ),
    "422": _say(
        "Something in that request is not right.",
        "Nothing was changed.",
        "Go back, correct it, and try once more.",
    ),
    "500": _say(
        "Something went wrong on our side.",
        "The page could not be shown. Operations that are under way are not affected.",
        "Try again in a moment. If it stays like this, tell whoever runs this installation.",
    ),
    "503": _say(
        "The records cannot be read right now.",
        "This says nothing about the operations themselves: those under way go on.",
        "Try again in a moment.",
    ),
    "engine": _say(
        "This could not be checked right now.",
        "The system that carries operations out does not answer, so nothing can be concluded. "
        "Nothing was changed.",
        "Try again in a moment. The regular check goes on by itself.",
    ),
    "report_too_large": _say(
        "This report is too large.",
        "Rendering it takes more memory or time than one report may take.",
        "Go back and choose another format, or read the changes in the review itself.",
    ),
    "report_failed": _say(
        "This report could not be rendered.",
        "The review itself is not affected.",
        "Go back and choose another format. The next try is a quarter of an hour after the last one.",
    ),
    "csrf": _say(
        "This form is no longer valid.",
        "It was open for a long time, or you signed in again since. Nothing was changed.",
        "Go back, load the page again, and try once more.",
    ),
    "sign_in_link": _say(
        "This sign-in link does not work any more.",
        "A link works once and for a short time. This one was used, has expired, or was not copied whole.",
        "Start “operationrun up” again for a new link, or ask whoever runs this installation for one: "
        "“operationrun user create” makes it.",
    ),
    "identity_refused": _say(
        "You could not be signed in.",
        "The identity provider did not say who you are, or its answer came too late. Nothing was changed.",
        "Sign in once more. If it stays like this, tell whoever runs this installation.",
    ),
    "unknown_person": _say(
        "You are not known here yet.",
        "The identity provider knows you, and nobody here goes by the e-mail address it gave.",
        "Ask an owner of a workspace to add you by that address.",
    ),
    "subject_refused": _say(
        "You could not be signed in as that person.",
        "The identity provider gave the e-mail address of somebody who is known here, and they are somebody "
        "else to it. Nothing was changed.",
        "If that is you, as after a new account there, ask whoever runs this installation: “operationrun "
        "user release” lets you sign in by your address again.",
    ),
    "identity_provider_unreachable": _say(
        "The identity provider does not answer.",
        "You cannot be signed in by it at this moment. Operations that are under way are not affected.",
        "Try again in a moment, or sign in another way.",
    ),
    "other": _say(
        "This cannot be answered.",
        "The server understood the request and cannot fulfil it. Nothing was changed.",
        "Go back and try another way.",
    ),
}


def register(app: Flask) -> None:
    """Give the app a calm page for every error outside the API."""
    app.register_error_handler(HTTPException, error_page)
    app.register_error_handler(Exception, error_page)


def error_page(error: Exception) -> Response:
    """Return the page of any error, with the status that the API gives it."""
    if isinstance(error, RequestRedirect):
        return make_response(error.get_response())
    problem = problem_of(error)
    status = HTTPStatus(problem.status)
    log_failure(problem, error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # The page must not depend on what could not be read, its reader included.
        g.pop("principal", None)
    if status is HTTPStatus.UNAUTHORIZED:
        if "principal" not in g:
            forget_session()
        if _may_sign_in_here(error):
            return make_response(sign_in_page(following=_following()), status)
    detail = str(error) if isinstance(error, (Conflict, InvalidInput)) else None
    name = _page_of(error, status)
    page = render_template("error.html", name=name, page=PAGES[name], status=status.value, detail=detail)
    response = make_response(page, status.value)
    if isinstance(error, HTTPException):
        # Headers such as a 405's Allow stay; the body and its type are ours.
        response.headers.extend((k, v) for k, v in error.get_headers() if k.lower() != "content-type")
    return response


def _may_sign_in_here(error: Exception) -> bool:
    """Return whether signing in is all that the reader lacks."""
    return type(error) is Unauthenticated and request.endpoint != "sessions.sign_in"


def _following() -> str | None:
    """Return where to go after signing in: to the page itself, unless the request sent a form."""
    return own_path(request.full_path.rstrip("?")) if request.method == "GET" else None


def _page_of(error: Exception, status: HTTPStatus) -> str:
    if isinstance(error, CSRFError):
        return "csrf"
    if status is HTTPStatus.UNAUTHORIZED and request.endpoint == "sessions.sign_in":
        return "sign_in_link"
    if isinstance(error, OperationRunError) and error.code in PAGES:
        return error.code
    if isinstance(error, EngineUnreachable):
        return "engine"
    return str(status.value) if str(status.value) in PAGES else "other"
