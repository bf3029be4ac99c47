from uuid import UUID

from flask import g
from flask import session as cookie
from sqlalchemy.orm import Session

from models.catalog import Capability
from models.errors import NotFound, Unauthenticated
from services.access import Principal, principal_of_user, require

USER_ID = "user_id"


def signed_in(session: Session) -> Principal:
    """Return who reads the page; raise Unauthenticated where nobody is signed in, or no longer exists."""
    try:
        user_id = UUID(cookie[USER_ID])
    except (KeyError, TypeError, ValueError):
        raise Unauthenticated from None
    g.principal = principal_of_user(session, user_id)
    return g.principal  # type: ignore[no-any-return] # flask.g has no types


def may_see(session: Session, workspace_id: UUID | None, capability: Capability) -> Principal:
    """Return who reads the page, once they may see a thing of the workspace.

    Raises NotFound where they may not, and where there is no such thing (None): the two look alike.
    """
    principal = signed_in(session)
    if workspace_id is None:
        raise NotFound
    require(principal, workspace_id, capability, see=capability)
    return principal
