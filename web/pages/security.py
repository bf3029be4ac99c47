from datetime import timedelta

from flask import Flask, Response, request
from flask_wtf import CSRFProtect

from web.services import services

API = "api"  # the blueprint whose callers carry a token and no cookie
SIGNED_IN_FOR = timedelta(days=7)

_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def protect(app: Flask) -> None:
    """Set the cookie's flags, the CSRF check of every page's POST, and the headers of every answer."""
    with app.app_context():
        is_https = services().public_url.startswith("https://")
    app.config.update(
        SESSION_COOKIE_NAME="operationrun",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=is_https,
        PERMANENT_SESSION_LIFETIME=SIGNED_IN_FOR,
        WTF_CSRF_CHECK_DEFAULT=False,
        # A page may stay open for a day; its token ends with the session.
        WTF_CSRF_TIME_LIMIT=None,
    )
    csrf = CSRFProtect(app)

    @app.before_request
    def check_csrf() -> None:
        if API not in request.blueprints and request.endpoint is not None:
            csrf.protect()

    app.after_request(_add_headers)


def _add_headers(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", _CONTENT_SECURITY_POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if response.mimetype == "text/html":
        response.headers.setdefault("Cache-Control", "private, no-cache")
    return response
