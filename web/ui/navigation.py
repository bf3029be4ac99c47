from collections.abc import Mapping
from typing import Final
from uuid import UUID

from models.catalog import Capability
from models.contracts import Contract
from services.access.principals import Principal


class Place(Contract):
    """One entry of the site's navigation; `sections` are the first segments of the paths under it."""

    label: str
    path: str
    sections: tuple[str, ...]


OPERATIONS = Place(label="Operations", path="/operations", sections=("operations",))
ENVIRONMENTS = Place(
    label="Environments", path="/environments", sections=("environments", "restore-plans", "reviews")
)
PUBLISHED = Place(label="Published", path="/published", sections=("published",))


def places_of(principal: Principal) -> tuple[Place, ...]:
    """Return the entries for a person; a customer has published reviews alone."""
    published = bool(principal.workspaces_where(Capability.REVIEWS_PUBLISHED_VIEW))
    if published and not principal.workspaces_where(Capability.OPERATIONS_VIEW):
        return (PUBLISHED,)
    return (OPERATIONS, ENVIRONMENTS, *([PUBLISHED] if published else []))


_DOING: Final[Mapping[Capability, str]] = {
    Capability.OPERATIONS_ACT: "start, check or cancel operations, or plan restores",
    Capability.REVIEWS_MANAGE: "publish or archive reviews",
}


def why_not(principal: Principal, workspace_id: UUID, capability: Capability) -> str | None:
    """Return why a person's role may not do something; None where it may."""
    if principal.may(workspace_id, capability):
        return None
    role = principal.roles[workspace_id]
    return f"Your role here ({role}) may not {_DOING[capability]}. Ask an owner of the workspace."
