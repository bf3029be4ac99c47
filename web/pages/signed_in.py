from typing import Final
from uuid import UUID

from flask import g, request

from models.catalog import Capability
from models.errors import NotFound, Unauthenticated
from services.access import Principal, principal_of_user, require
from services.row_scope import SIGNING_IN
from web.pages.browser_session import BrowserSession, end_session, present_session
from web.services import services

# There for everybody, or asking by themselves who sends the request; all else is for whoever is signed in.
OPEN: Final = frozenset({"sessions", "openid", "health", "api", "reference"})

_WITHOUT_A_READER: Final = ("/api/", "/static/", "/healthz", "/readyz", "/metrics")


def identify() -> None:
    """Find out who reads the page before anything is read for them (web/row_scope.py).

    Raises Unauthenticated where nobody is signed in, or not any more, and the page is not for everybody.
    """
    if request.path.startswith(_WITHOUT_A_READER):
        return
    found = present_session()
    if found is not None:
        _know(found)
    # An address that no page has is no exception: who is not signed in does not learn which there are.
    if "principal" not in g and not OPEN.intersection(request.blueprints):
        raise Unauthenticated


def _know(found: BrowserSession) -> None:
    try:
        with services().database.transaction(SIGNING_IN) as session:
            g.principal = principal_of_user(session, found.user_id, session_version=found.session_version)
    except Unauthenticated:
        end_session()
    else:
        g.browser_session = found


def signed_in() -> Principal:
    """Return who reads the page; raise Unauthenticated where nobody is signed in, or not any more."""
    principal: Principal | None = g.get("principal")
    if principal is None:
        raise Unauthenticated
    return principal


def signed_in_session() -> BrowserSession:
    """Return the sign-in of who reads the page; raise Unauthenticated as `signed_in` does."""
    signed_in()
    found: BrowserSession = g.browser_session
    return found


def may_see(workspace_id: UUID | None, capability: Capability) -> Principal:
    """Return who reads the page, once they may see a thing of the workspace.

    Raises NotFound where they may not, and where there is no such thing (None): the two look alike.
    """
    principal = signed_in()
    if workspace_id is None:
        raise NotFound
    require(principal, workspace_id, capability, see=capability)
    return principal
