"""Find a thing by its id and judge whether the principal may have it: missing and out of scope look alike."""

import re
from typing import Final
from uuid import UUID

from flask import g, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Workspace
from models.catalog import Capability
from models.environment import Environment
from models.errors import Forbidden, NotFound, Unauthenticated
from models.operation_run import OperationRun
from models.restore import RestorePlan
from models.review import EnvironmentReview, ReviewStatus
from services.access.principals import Principal, principal_of_user, require
from services.database.row_security import SIGNING_IN
from services.reviews.queries import get_review
from services.runs.queries import (
    get_run,
)
from services.workspaces.queries import get_environment, get_restore_plan, list_environments
from web.browser_session import BrowserSession, end_session, present_session
from web.context import services

# There for everybody, or asking by themselves who sends the request; all else is for whoever is signed in.
OPEN: Final = frozenset({"sessions", "openid", "health", "api", "reference"})

_WITHOUT_A_READER: Final = ("/api/", "/static/", "/healthz", "/readyz", "/metrics")


def identify() -> None:
    """Find out who reads the page before anything is read for them (web/context.py).

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


def find_run_to_act_on(session: Session, run_id: UUID) -> tuple[OperationRun, Principal]:
    """Return a run that the reader may act on, and who reads; raise NotFound or Forbidden."""
    principal = signed_in()
    run = get_run(session, run_id)
    if run is None:
        raise NotFound
    require(principal, run.workspace_id, Capability.OPERATIONS_ACT, see=Capability.OPERATIONS_VIEW)
    return run, principal


_CANONICAL_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def canonical_id(given: str) -> UUID:
    """Read an id; one that is malformed is as missing as any other that names nothing."""
    if not _CANONICAL_ID.fullmatch(given):
        raise NotFound
    return UUID(given)


def principal() -> Principal:
    """Return who sent the present request."""
    found = g.principal
    assert isinstance(found, Principal)  # noqa: S101 - told to the type checker; set by authenticate
    return found


VIEW = Capability.OPERATIONS_VIEW


def find_workspace(session: Session, given: str, capability: Capability) -> Workspace:
    """Return a workspace by its slug or id, for the capability."""
    found = session.scalars(select(Workspace).where(Workspace.id.in_(principal().roles)))
    workspace = next((each for each in found if given in {each.slug, str(each.id)}), None)
    if workspace is None:
        raise NotFound
    require(principal(), workspace.id, capability, see=VIEW)
    return workspace


def find_environment(session: Session, given: str, capability: Capability = VIEW) -> Environment:
    """Return an environment by its id, for the capability."""
    environment = get_environment(session, canonical_id(given))
    if environment is None:
        raise NotFound
    require(principal(), environment.workspace_id, capability, see=VIEW)
    return environment


def find_run(session: Session, given: str, capability: Capability = VIEW) -> OperationRun:
    """Return a run by its id, for the capability."""
    run = get_run(session, canonical_id(given))
    if run is None:
        raise NotFound
    require(principal(), run.workspace_id, capability, see=VIEW)
    return run


def find_restore_plan(session: Session, given: str) -> RestorePlan:
    """Return a restore plan by its id."""
    plan = get_restore_plan(session, canonical_id(given))
    if plan is None:
        raise NotFound
    require(principal(), plan.workspace_id, VIEW, see=VIEW)
    return plan


def find_review(session: Session, given: str, capability: Capability | None = None) -> EnvironmentReview:
    """Return a review by its id, to read it or for the capability; customers see published ones alone."""
    review = get_review(session, canonical_id(given))
    if review is None:
        raise NotFound
    published = review.status == ReviewStatus.PUBLISHED
    see = Capability.REVIEWS_PUBLISHED_VIEW if published else Capability.REVIEWS_VIEW
    require(principal(), review.workspace_id, capability or see, see=see)
    return review


def workspaces_filtered(session: Session, asking: Principal, given: str | None) -> frozenset[UUID]:
    """Return the workspaces whose environments the principal sees, or the one of them that a filter names."""
    seen = asking.workspaces_where(VIEW)
    if not given:
        return seen
    found = session.scalars(select(Workspace).where(Workspace.id.in_(seen)))
    return frozenset(each.id for each in found if given in {each.slug, str(each.id)})


def environment_filtered(session: Session, asking: Principal, given: str) -> UUID | None:
    """Return the environment, by slug or id, that a filter of reviews names; None: there is none in scope."""
    seen = asking.workspaces_where(Capability.REVIEWS_PUBLISHED_VIEW)
    environments = list_environments(session, workspaces=seen)
    return next((each.id for each in environments if given in {each.slug, str(each.id)}), None)


def require_somewhere(capability: Capability) -> None:
    """Refuse a principal who has the capability in no workspace, before a body that names none is judged."""
    if principal().workspaces_where(capability):
        return
    raise Forbidden if principal().workspaces_where(VIEW) else NotFound
