from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Member, Role, User
from models.actor import Actor
from models.catalog import Capability
from models.errors import Forbidden, NotFound, Unauthenticated

# Who lacks one of these does not see the thing; who lacks another sees it and is refused the act.
_VIEWING = frozenset({Capability.OPERATIONS_VIEW, Capability.REVIEWS_VIEW, Capability.REVIEWS_PUBLISHED_VIEW})

# What each role may do in its workspace.
CAPABILITIES: Final[Mapping[Role, frozenset[Capability]]] = MappingProxyType(
    {
        Role.OWNER: frozenset(Capability),
        Role.OPERATOR: _VIEWING | {Capability.OPERATIONS_ACT},
        Role.REVIEWER: _VIEWING | {Capability.REVIEWS_MANAGE},
        Role.READER: _VIEWING,
        Role.CUSTOMER: frozenset({Capability.REVIEWS_PUBLISHED_VIEW}),
    }
)


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A signed-in person or a token, with its role in each of its workspaces."""

    actor: Actor
    roles: Mapping[UUID, Role]

    def may(self, workspace_id: UUID, capability: Capability) -> bool:
        """Return whether their role in the workspace has the capability; no role there has none."""
        role = self.roles.get(workspace_id)
        return role is not None and capability in CAPABILITIES[role]

    def workspaces_where(self, capability: Capability) -> frozenset[UUID]:
        """Return the workspaces in which they have the capability."""
        return frozenset(id_ for id_ in self.roles if self.may(id_, capability))


def require(principal: Principal, workspace_id: UUID, capability: Capability, *, see: Capability) -> None:
    """Raise where the principal may not use a capability in a workspace.

    `see` is the capability that shows such a thing at all. Raises NotFound without it, or where the
    capability is itself one to view, so that what is out of scope looks exactly like what does not exist;
    otherwise Forbidden.
    """
    if not principal.may(workspace_id, see):
        raise NotFound
    if not principal.may(workspace_id, capability):
        raise NotFound if capability in _VIEWING else Forbidden


def principal_of_user(session: Session, user_id: UUID) -> Principal:
    """Return a person with all their roles, in one query; raise Unauthenticated where there is none."""
    statement = select(User.email, Member.workspace_id, Member.role)
    statement = statement.select_from(User).outerjoin(Member, Member.user_id == User.id)
    rows = session.execute(statement.where(User.id == user_id)).all()
    if not rows:
        raise Unauthenticated
    return Principal(
        actor=Actor(kind="user", name=rows[0].email),
        roles={row.workspace_id: Role(row.role) for row in rows if row.workspace_id is not None},
    )
