"""What a filter or an unjudged body names, among what its principal sees."""

from uuid import UUID

from sqlalchemy.orm import Session

from models.catalog import Capability
from models.errors import Forbidden, NotFound
from services.workspaces.queries import list_environments, list_workspaces
from web.access import VIEW, Refusal, current_principal, note_refusal


def workspace_named(session: Session, given: str) -> UUID | None:
    """Return the id of a workspace by its slug or id; None where the principal sees none such."""
    seen = list_workspaces(session, workspaces=current_principal().workspaces_where(VIEW))
    return next((each.id for each in seen if given in {each.slug, str(each.id)}), None)


def environment_named(session: Session, given: str) -> UUID | None:
    """Return the id of an environment whose reviews the principal sees, by its slug or id; else None."""
    seen = current_principal().workspaces_where(Capability.REVIEWS_PUBLISHED_VIEW)
    environments = list_environments(session, workspaces=seen)
    return next((each.id for each in environments if given in {each.slug, str(each.id)}), None)


def require_somewhere(capability: Capability) -> None:
    """Refuse a principal who has the capability in no workspace; for a body that names none."""
    principal = current_principal()
    if not principal.workspaces_where(capability):
        # A token has one workspace.
        for workspace_id in principal.roles:
            note_refusal(Refusal(workspace_id=workspace_id, capability=capability))
        raise Forbidden if principal.workspaces_where(VIEW) else NotFound
