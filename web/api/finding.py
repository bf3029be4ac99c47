"""Find a thing by its id and judge whether the principal may have it: missing and out of scope look alike."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Workspace
from models.catalog import Capability
from models.environment import Environment
from models.errors import Forbidden, NotFound
from models.operation_run import OperationRun
from models.restore import RestorePlan
from models.review import EnvironmentReview, ReviewStatus
from services.access import Principal, require
from web.api.authentication import principal
from web.api.parameters import canonical_id
from web.queries.environments import get_environment, get_restore_plan, list_environments
from web.queries.reviews import get_review
from web.queries.runs import get_run

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
