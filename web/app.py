from http import HTTPStatus
from uuid import uuid4

from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.exceptions import HTTPException, RequestURITooLarge
from werkzeug.routing import RoutingException

from web import pages
from web.api import api
from web.api.reference import reference
from web.auditing import audit_requests
from web.context import EXTENSION, Services
from web.health import health
from web.metrics.exposition import measure
from web.problems import LONGEST_ADDRESS, MAX_BODY, log_failure, problem_of, respond, retry_after

_PROGRAM_PATHS = ("/api/", "/healthz", "/readyz", "/metrics")


class Application(Flask):
    """The web process; it answers a program's failed request with a problem (RFC 9457).

    Error handlers would not do: they miss addresses and methods that no route has.
    """

    def handle_user_exception(self, e: Exception) -> HTTPException | ResponseReturnValue:
        """Return a problem to a program; leave everything else to the pages' error handlers."""
        if not request.path.startswith(_PROGRAM_PATHS) or isinstance(e, RoutingException):
            return super().handle_user_exception(e)
        problem = problem_of(e)
        log_failure(problem, e)
        response = respond(problem, retry_after=retry_after(e))
        if isinstance(e, HTTPException):
            # Headers such as a 405's Allow stay; the body and its type are ours.
            headers = e.get_headers(request.environ)
            response.headers.extend([header for header in headers if header[0] != "Content-Type"])
        return response

    def make_default_options_response(self) -> Response:
        """Return the methods that the address takes, and no body."""
        response = super().make_default_options_response()
        response.status_code = HTTPStatus.NO_CONTENT
        return response


def create_app(services: Services, *, secret_key: str) -> Flask:
    """Return the Flask app: the API, the probes and the pages, on the given services."""
    app = Application("web")
    app.config.update(SECRET_KEY=secret_key, MAX_CONTENT_LENGTH=MAX_BODY)
    app.extensions[EXTENSION] = services
    measure(app, services.database)
    app.before_request(_name_request)
    app.after_request(_add_request_id)
    app.teardown_request(_forget_ids)
    audit_requests(app)
    app.register_blueprint(health)
    app.register_blueprint(api)
    app.register_blueprint(reference)
    pages.register(app)
    return app


def _name_request() -> None:
    g.request_id = uuid4().hex
    # Threads answer many requests, and none may log the ids of another.
    clear_contextvars()
    bind_contextvars(request_id=g.request_id)
    if run_id := (request.view_args or {}).get("run_id"):
        bind_contextvars(run_id=str(run_id))
    if len(request.environ.get("REQUEST_URI", request.full_path)) > LONGEST_ADDRESS:
        raise RequestURITooLarge


def _forget_ids(_: BaseException | None) -> None:
    clear_contextvars()


def _add_request_id(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    return response
