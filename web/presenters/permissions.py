from collections.abc import Mapping
from typing import Final
from uuid import UUID

from models.catalog import Capability
from services.access import Principal

_DOING: Final[Mapping[Capability, str]] = {
    Capability.OPERATIONS_ACT: "start, check or cancel operations, or plan restores",
    Capability.REVIEWS_MANAGE: "publish or archive reviews",
}


def why_not(principal: Principal, workspace_id: UUID, capability: Capability) -> str | None:
    """Say why a person may not do something; None where they may."""
    if principal.may(workspace_id, capability):
        return None
    role = principal.roles[workspace_id]
    return f"Your role here ({role}) may not {_DOING[capability]}. Ask an owner of the workspace."
