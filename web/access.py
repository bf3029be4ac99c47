"""Who sends the request, and what they may have: what is missing and what is out of scope look alike."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

from flask import g, request
from sqlalchemy.orm import Session

from models.access import Workspace
from models.base import Base
from models.catalog import Capability
from models.connection import Connection
from models.environment import Environment
from models.errors import Forbidden, NotFound, Unauthenticated
from models.operation_run import OperationRun
from models.restore import RestorePlan
from models.review import EnvironmentReview, ReviewStatus
from models.saved_view import SavedView
from services.access.principals import Principal, require
from services.access.sessions import SignedIn
from web.browser_session import present_session

VIEW: Final = Capability.OPERATIONS_VIEW

# The workspace that each row belongs to, and the capability that shows the row to a member.
_VISIBILITY: Final[Mapping[type[Base], Callable[[Any], tuple[UUID, Capability]]]] = {
    Connection: lambda row: (row.workspace_id, VIEW),
    Environment: lambda row: (row.workspace_id, VIEW),
    EnvironmentReview: lambda row: (row.workspace_id, _shows_review(row)),
    OperationRun: lambda row: (row.workspace_id, VIEW),
    RestorePlan: lambda row: (row.workspace_id, VIEW),
    SavedView: lambda row: (row.workspace_id, VIEW),
    Workspace: lambda row: (row.id, VIEW),
}

# Blueprints that are open to everyone, or that authenticate their own requests.
OPEN: Final = frozenset({"sessions", "openid", "health", "api", "reference"})

_WITHOUT_A_READER: Final = ("/api/", "/static/", "/healthz", "/readyz", "/metrics")
_CANONICAL_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Row = TypeVar("Row", bound=Base)

# Where `flask.g` keeps what the request was refused, for the audit (web/auditing.py).
REFUSALS: Final = "refusals"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A capability that the principal lacks in one of their workspaces."""

    workspace_id: UUID
    capability: Capability
    subject_id: UUID | None = None


def note_refusal(refusal: Refusal) -> None:
    """Keep a refusal of the present request for the audit."""
    refusals: list[Refusal] = g.setdefault(REFUSALS, [])
    refusals.append(refusal)


def authorized(session: Session, model: type[Row], row_id: UUID | str | None, capability: Capability) -> Row:
    """Return the row of a model by its id, once the principal may use the capability on it.

    A string that is no canonical id, and None, name nothing. Raises NotFound where there is no such row or
    the principal does not see it, and Forbidden where they see it without the capability to act on it.
    """
    known_id = _canonical(row_id) if isinstance(row_id, str) else row_id
    row = session.get(model, known_id) if known_id else None
    if row is None:
        raise NotFound
    workspace_id, see = _VISIBILITY[model](row)
    principal = current_principal()
    try:
        require(principal, workspace_id, capability, see=see)
    except (Forbidden, NotFound):
        # One of a workspace that is not the principal's is none that exists, to the audit too.
        if workspace_id in principal.roles:
            note_refusal(Refusal(workspace_id=workspace_id, capability=capability, subject_id=known_id))
        raise
    return row


def is_visible(row: Base) -> bool:
    """Return whether the principal sees the row at all."""
    return current_principal().may(*_VISIBILITY[type(row)](row))


def current_principal() -> Principal:
    """Return who sends the request; raise Unauthenticated where that is unknown, or not any more."""
    principal: Principal | None = g.get("principal")
    if principal is None:
        raise Unauthenticated
    return principal


def signed_in() -> SignedIn:
    """Return the reader's sign-in on this browser; raise Unauthenticated as `current_principal` does."""
    current_principal()
    found: SignedIn = g.signed_in
    return found


def identify() -> None:
    """Find out who reads a page, before the page reads anything for them.

    Raises Unauthenticated where the page is not open to everyone and nobody is signed in.
    """
    if request.path.startswith(_WITHOUT_A_READER):
        return
    found = present_session()
    if found is not None:
        g.signed_in, g.principal = found, found.principal
    # An address without a route is no exception: only readers who are signed in learn which exist.
    if "principal" not in g and not OPEN.intersection(request.blueprints):
        raise Unauthenticated


def _shows_review(review: EnvironmentReview) -> Capability:
    is_published = review.status == ReviewStatus.PUBLISHED
    return Capability.REVIEWS_PUBLISHED_VIEW if is_published else Capability.REVIEWS_VIEW


def _canonical(given: str) -> UUID | None:
    return UUID(given) if _CANONICAL_ID.fullmatch(given) else None
