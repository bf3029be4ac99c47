from uuid import uuid4

from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException

from web import pages
from web.api import api
from web.failures import log_failure
from web.health import health
from web.problems import problem_of, respond
from web.services import EXTENSION, Services

MAX_BODY = 1024 * 1024

_PROGRAM_PATHS = ("/api/", "/healthz", "/readyz")


class Application(Flask):
    """The web process; a program's request that fails is answered as a program understands it (RFC 9457).

    Here and not in error handlers, so that addresses and methods that no route has are covered too.
    """

    def handle_user_exception(self, e: Exception) -> HTTPException | ResponseReturnValue:
        """Answer a program with a problem; leave everything else to the pages' error handlers."""
        if not request.path.startswith(_PROGRAM_PATHS) or isinstance(e, RoutingException):
            return super().handle_user_exception(e)
        problem = problem_of(e)
        log_failure(problem, e)
        response = respond(problem)
        if isinstance(e, HTTPException):
            # Allow of a 405 stays; the body and its type are ours.
            headers = e.get_headers(request.environ)
            response.headers.extend([header for header in headers if header[0] != "Content-Type"])
        return response


def create_app(services: Services, *, secret_key: str) -> Flask:
    """Make the Flask app: the API, the probes and the pages on the services given."""
    app = Application("web")
    app.config.update(SECRET_KEY=secret_key, MAX_CONTENT_LENGTH=MAX_BODY)
    app.extensions[EXTENSION] = services
    app.before_request(_name_request)
    app.after_request(_tell_request)
    app.register_blueprint(health)
    app.register_blueprint(api)
    pages.register(app)
    return app


def _name_request() -> None:
    g.request_id = uuid4().hex
    # Threads answer many requests, and none may log the ids of another.
    clear_contextvars()
    bind_contextvars(request_id=g.request_id)


def _tell_request(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    return response
