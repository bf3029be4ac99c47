"""The cookie of a browser that is signed in; it holds an opaque secret and says nothing about the person."""

import re
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Final

from flask import current_app, g, request
from flask import session as form_cookie
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from models.access import User
from models.errors import Unauthenticated
from services.access import sessions
from services.access.sessions import SignedIn
from services.database.row_security import SIGNING_IN
from web.context import services

# What a User-Agent says of the browser and the system, the first that holds: most name others as well.
_BROWSERS: Final[Mapping[str, str]] = {
    r"Edg(e|A|iOS)?/": "Edge",
    r"OPR/|Opera": "Opera",
    r"Firefox/|FxiOS/": "Firefox",
    r"Chrome/|CriOS/|Chromium/": "Chrome",
    r"Safari/": "Safari",
    r"curl/": "curl",
}
_SYSTEMS: Final[Mapping[str, str]] = {
    "Android": "Android",
    "iPhone|iPad": "iOS",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}
_NETWORK_BITS: Final[Mapping[int, int]] = {4: 24, 6: 48}


def begin_session(session: Session, user: User) -> None:
    """Sign a person in on this browser, by a new secret; what the browser held before is ended.

    The transaction is one of signing in. Raises Unauthenticated as `services.access.sessions` does.
    """
    _end(session)
    secret = sessions.begin_session(
        session,
        user,
        address=network_of(request.remote_addr or ""),
        browser=name_of(request.user_agent.string),
        limits=services().session_limits,
    )
    form_cookie.clear()
    form_cookie.permanent = True
    g.session_secret = secret


def end_session() -> None:
    """Sign out on this browser: the secret that it held signs nobody in any more."""
    with services().database.transaction(SIGNING_IN) as session:
        _end(session)
    forget_session()


def forget_session() -> None:
    """Have this browser forget its secret and its form tokens, with the response."""
    form_cookie.clear()
    g.session_secret = None


def present_session() -> SignedIn | None:
    """Return this browser's sign-in; None without one, and for one that has ended, which is forgotten."""
    secret = request.cookies.get(cookie_name())
    if not secret:
        return None
    try:
        with services().database.transaction(SIGNING_IN) as session:
            return sessions.resume_session(session, secret, limits=services().session_limits)
    except Unauthenticated:
        forget_session()
        return None


def send_cookie(response: Response) -> Response:
    """Add the cookie of a session that began or ended with this request."""
    secret: str | None = g.get("session_secret")
    is_forgotten = "session_secret" in g and not secret and cookie_name() in request.cookies
    if not secret and not is_forgotten:
        return response
    response.set_cookie(
        cookie_name(),
        secret or "",
        max_age=services().session_limits.lifetime if secret else 0,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )
    return response


def cookie_name() -> str:
    """Return the name of the cookie, beside that of the form tokens."""
    return f"{current_app.config['SESSION_COOKIE_NAME']}-session"


def network_of(address: str) -> str:
    """Return the network that an address is in, `203.0.113.0/24` or `2001:db8:1::/48`; "" for no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(ip_network((parsed, _NETWORK_BITS[parsed.version]), strict=False))


def name_of(user_agent: str) -> str:
    """Return a browser's name as people know it, such as "Firefox on Linux"."""
    browser = _first(_BROWSERS, user_agent) or "Unknown browser"
    system = _first(_SYSTEMS, user_agent)
    return f"{browser} on {system}" if system else browser


def _end(session: Session) -> None:
    if secret := request.cookies.get(cookie_name()):
        sessions.end_session(session, secret)


def _first(table: Mapping[str, str], text: str) -> str | None:
    return next((name for pattern, name in table.items() if re.search(pattern, text)), None)
