import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.access import ApiToken, Member, Role, SignInLink, User
from models.actor import Actor
from models.base import utc_now
from models.catalog import Capability
from models.errors import Forbidden, NotFound, Unauthenticated

SIGN_IN_LINK_LIFETIME = timedelta(minutes=15)

_TOKEN_PREFIX = "opr_"  # noqa: S105 - it marks a token as ours, for people and secret scanners
_SECRET_BYTES = 32  # 43 characters, url-safe
_SEES_RUNS = frozenset(
    {Capability.OPERATIONS_VIEW, Capability.REVIEWS_VIEW, Capability.REVIEWS_PUBLISHED_VIEW}
)

# What each role may do in its workspace (section 8).
CAPABILITIES: Final[Mapping[Role, frozenset[Capability]]] = MappingProxyType(
    {
        Role.OWNER: frozenset(Capability),
        Role.OPERATOR: _SEES_RUNS | {Capability.OPERATIONS_ACT},
        Role.REVIEWER: _SEES_RUNS | {Capability.REVIEWS_MANAGE},
        Role.READER: _SEES_RUNS,
        Role.CUSTOMER: frozenset({Capability.REVIEWS_PUBLISHED_VIEW}),
    }
)


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who is asking, and their role in each workspace they belong to."""

    actor: Actor
    roles: Mapping[UUID, Role]

    def may(self, workspace_id: UUID, capability: Capability) -> bool:
        """Tell whether their role in the workspace has the capability; no role there has none."""
        role = self.roles.get(workspace_id)
        return role is not None and capability in CAPABILITIES[role]

    def workspaces_where(self, capability: Capability) -> frozenset[UUID]:
        """Return the workspaces in which they have the capability."""
        return frozenset(id_ for id_ in self.roles if self.may(id_, capability))


def require(principal: Principal, workspace_id: UUID, capability: Capability, *, see: Capability) -> None:
    """Let the principal use a capability in a workspace, or refuse.

    `see` is the capability that shows such a thing at all. Without it NotFound is raised, so that what is
    out of scope looks exactly like what does not exist; with it, Forbidden.
    """
    if not principal.may(workspace_id, see):
        raise NotFound
    if not principal.may(workspace_id, capability):
        raise Forbidden


def create_token(
    session: Session,
    *,
    workspace_id: UUID,
    role: Role,
    name: str,
    clock: Callable[[], datetime] = utc_now,
) -> str:
    """Make a bearer token of a workspace and return its text, once: only its sha256 is kept."""
    token = _TOKEN_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    session.add(
        ApiToken(
            workspace_id=workspace_id, name=name, role=role, token_hash=_sha256(token), created_at=clock()
        )
    )
    return token


def revoke_tokens(
    session: Session, *, workspace_id: UUID, name: str, clock: Callable[[], datetime] = utc_now
) -> None:
    """Revoke every token of that name in the workspace."""
    session.execute(
        update(ApiToken)
        .where(ApiToken.workspace_id == workspace_id, ApiToken.name == name, ApiToken.revoked_at.is_(None))
        .values(revoked_at=clock())
    )


def principal_of_token(session: Session, token: str) -> Principal:
    """Return who a bearer token speaks for; raise Unauthenticated for an unknown or revoked one."""
    statement = select(ApiToken).where(ApiToken.token_hash == _sha256(token), ApiToken.revoked_at.is_(None))
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise Unauthenticated
    return Principal(actor=Actor(kind="token", name=found.name), roles={found.workspace_id: Role(found.role)})


def principal_of_user(session: Session, user_id: UUID) -> Principal:
    """Return a signed-in person with all their roles; raise Unauthenticated where there is no such person."""
    user = session.get(User, user_id)
    if user is None:
        raise Unauthenticated
    members = session.scalars(select(Member).where(Member.user_id == user_id))
    return Principal(
        actor=Actor(kind="user", name=user.email),
        roles={member.workspace_id: Role(member.role) for member in members},
    )


def create_sign_in_link(
    session: Session,
    user_id: UUID,
    *,
    lifetime: timedelta = SIGN_IN_LINK_LIFETIME,
    clock: Callable[[], datetime] = utc_now,
) -> str:
    """Make a link that signs a person in, once, and return its secret: `<public url>/sign-in/<secret>`."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    now = clock()
    session.add(
        SignInLink(user_id=user_id, secret_hash=_sha256(secret), created_at=now, expires_at=now + lifetime)
    )
    return secret


def redeem_sign_in_link(session: Session, secret: str, *, clock: Callable[[], datetime] = utc_now) -> User:
    """Use up a sign-in link and return its person; raise Unauthenticated for one unknown, used or expired.

    One guarded UPDATE, so that of two people with one link only the first gets in.
    """
    now = clock()
    statement = (
        update(SignInLink)
        .where(
            SignInLink.secret_hash == _sha256(secret),
            SignInLink.used_at.is_(None),
            SignInLink.expires_at > now,
        )
        .values(used_at=now)
        .returning(SignInLink.user_id)
    )
    user_id = session.scalar(statement)
    if user_id is None:
        raise Unauthenticated
    return session.get_one(User, user_id)


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
