import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from models.access import ApiToken, AuditAction, Role
from models.actor import Actor
from models.base import Clock, utc_now
from models.errors import NotFound, TokenExpired, Unauthenticated
from services.access.audit import SYSTEM, Audit
from services.access.principals import Principal
from services.hashing import SECRET_BYTES, sha256_of
from services.validation import check_name

# Between two writes of when a token was used; a write for each request would cost more than the request.
USE_NOTED_EVERY: Final = timedelta(minutes=1)

_MARK: Final = "opr_"  # it marks a token as ours, for people and secret scanners
_SHOWN: Final = len(_MARK) + 6


def create_token(
    session: Session,
    *,
    workspace_id: UUID,
    role: Role,
    name: str,
    expires_at: datetime | None = None,
    actor: Actor = SYSTEM,
    clock: Clock = utc_now,
) -> str:
    """Make a bearer token of a workspace and return its text, once: only its sha256 and beginning are kept.

    Without `expires_at` it is valid until it is revoked. Raises InvalidInput for a name that cannot be used.
    """
    token = _MARK + secrets.token_urlsafe(SECRET_BYTES)
    row = ApiToken(
        workspace_id=workspace_id,
        name=check_name(name),
        role=role,
        prefix=token[:_SHOWN],
        token_hash=sha256_of(token),
        created_at=clock(),
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    Audit(session=session, workspace_id=workspace_id, actor=actor, clock=clock).record(
        AuditAction.TOKEN_CREATED, row.name, subject_id=row.id, detail=f"{role}, {row.prefix}…"
    )
    return token


def list_tokens(session: Session, workspace_id: UUID) -> Sequence[ApiToken]:
    """Return the tokens of a workspace that are not revoked, newest first; expired ones are among them."""
    statement = select(ApiToken).where(ApiToken.workspace_id == workspace_id, ApiToken.revoked_at.is_(None))
    return session.scalars(statement.order_by(ApiToken.created_at.desc(), ApiToken.id.desc())).all()


def revoke_token(
    session: Session,
    token_id: UUID,
    *,
    workspace_id: UUID,
    actor: Actor = SYSTEM,
    clock: Clock = utc_now,
) -> ApiToken:
    """Revoke one token of a workspace and return it; raise NotFound where it has no such valid token."""
    revoked = _revoke(session, ApiToken.id == token_id, workspace_id, actor, clock)
    if not revoked:
        raise NotFound
    return revoked[0]


def revoke_tokens(
    session: Session,
    *,
    workspace_id: UUID,
    name: str,
    actor: Actor = SYSTEM,
    clock: Clock = utc_now,
) -> None:
    """Revoke every token of that name in the workspace."""
    _revoke(session, ApiToken.name == name, workspace_id, actor, clock)


def principal_of_token(session: Session, token: str, *, clock: Clock = utc_now) -> Principal:
    """Return the principal of a bearer token; raise Unauthenticated for an unknown or revoked one.

    Raises TokenExpired for one that has expired: only who holds the whole token learns that there is one.
    When it was last used is noted at most once in `USE_NOTED_EVERY`.
    """
    now = clock()
    statement = select(ApiToken).where(ApiToken.token_hash == sha256_of(token), ApiToken.revoked_at.is_(None))
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise Unauthenticated
    if found.expires_at is not None and found.expires_at <= now:
        raise TokenExpired(found.expires_at)
    _note_use(session, found, now)
    return Principal(actor=Actor(kind="token", name=found.name), roles={found.workspace_id: Role(found.role)})


def _revoke(
    session: Session,
    which: ColumnElement[bool],
    workspace_id: UUID,
    actor: Actor,
    clock: Clock,
) -> Sequence[ApiToken]:
    statement = (
        update(ApiToken)
        .where(which, ApiToken.workspace_id == workspace_id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=clock())
        .returning(ApiToken)
    )
    revoked = session.scalars(statement).all()
    audit = Audit(session=session, workspace_id=workspace_id, actor=actor, clock=clock)
    for token in revoked:
        detail = f"{token.role}, {token.prefix}…"
        audit.record(AuditAction.TOKEN_REVOKED, token.name, subject_id=token.id, detail=detail)
    return revoked


def _note_use(session: Session, token: ApiToken, now: datetime) -> None:
    before = now - USE_NOTED_EVERY
    if token.last_used_at is not None and token.last_used_at > before:
        return
    # Of many requests at once one writes, and none waits for it.
    due = or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at <= before)
    free = select(ApiToken.id).where(ApiToken.id == token.id, due).with_for_update(skip_locked=True)
    session.execute(
        update(ApiToken).where(ApiToken.id.in_(free)).values(last_used_at=now),
        execution_options={"synchronize_session": False},
    )
