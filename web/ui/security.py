from typing import Final

from flask import Flask, Response, request
from flask_wtf import CSRFProtect

from web.access import identify
from web.browser_session import send_cookie
from web.context import services

API: Final = "api"  # the blueprint whose callers carry a token and no cookie

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_ONLY_HTTPS: Final = "max-age=31536000"


def protect(app: Flask) -> None:
    """Set up cookies, sign-in, the CSRF check of every form, and the headers of every response."""
    with app.app_context():
        is_https = services().public_url.startswith("https://")
        lifetime = services().session_limits.lifetime
    app.config.update(
        # Browsers accept the prefix only over https, for this host alone and for its every path.
        SESSION_COOKIE_NAME="__Host-operationrun" if is_https else "operationrun",
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=is_https,
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=lifetime,
        WTF_CSRF_CHECK_DEFAULT=False,
        # A page may stay open for a day: its token is valid as long as the session.
        WTF_CSRF_TIME_LIMIT=None,
    )
    csrf = CSRFProtect(app)

    @app.before_request
    def check_csrf() -> None:
        if API not in request.blueprints and request.endpoint is not None:
            csrf.protect()

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if is_https:
            response.headers.setdefault("Strict-Transport-Security", _ONLY_HTTPS)
        if response.mimetype == "text/html":
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    app.before_request(identify)
    app.after_request(send_cookie)
