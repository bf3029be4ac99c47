from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import SLUG_PATTERN, Base, Id

# The chain of the installation, whose audit entries have no workspace.
INSTALLATION: Final = UUID(int=0)


class Role(StrEnum):
    """What a person or a token may do in one workspace; services/access maps each role to capabilities."""

    OWNER = "owner"
    OPERATOR = "operator"
    REVIEWER = "reviewer"
    READER = "reader"
    CUSTOMER = "customer"


class AuditAction(StrEnum):
    """What an audit entry records."""

    WORKSPACE_CREATED = "workspace_created"
    MEMBER_ADDED = "member_added"
    MEMBER_ROLE_CHANGED = "member_role_changed"
    MEMBER_REMOVED = "member_removed"
    TOKEN_CREATED = "token_created"  # noqa: S105 # not one
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 # not one
    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere"
    SESSIONS_ENDED = "sessions_ended"
    SIGN_IN_LINK_CREATED = "sign_in_link_created"
    PASSWORD_SET = "password_set"  # noqa: S105 # not one
    IDENTITY_RELEASED = "identity_released"
    CONNECTION_CREATED = "connection_created"
    CONNECTION_CHANGED = "connection_changed"
    CONNECTION_REMOVED = "connection_removed"
    CONNECTION_CHECKED = "connection_checked"
    CONNECTION_CHOSEN = "connection_chosen"
    SECRETS_REENCRYPTED = "secrets_reencrypted"
    ENVIRONMENT_CREATED = "environment_created"
    ENVIRONMENT_CHANGED = "environment_changed"
    RESTORE_POINT_CREATED = "restore_point_created"
    RESTORE_PLAN_CREATED = "restore_plan_created"
    RUN_REQUESTED = "run_requested"
    RUN_CANCELLATION_REQUESTED = "run_cancellation_requested"
    RUN_CHECKED = "run_checked"
    RUNS_PRUNED = "runs_pruned"
    SWEEP_TRIGGERED = "sweep_triggered"
    REVIEW_PUBLISHED = "review_published"
    REVIEW_ARCHIVED = "review_archived"
    VIEW_SAVED = "view_saved"
    VIEW_DELETED = "view_deleted"
    DOWNLOADED = "downloaded"
    REFUSED = "refused"


_ROLES = "role IN ('owner', 'operator', 'reviewer', 'reader', 'customer')"


class Workspace(Base):
    """The tenant boundary; all access is decided workspace first."""

    __tablename__ = "workspaces"

    id: Mapped[Id]
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (CheckConstraint(f"slug ~ '{SLUG_PATTERN}'", name="slug"),)


class User(Base):
    """A person who signs in; their memberships say what they may do.

    `session_version` counts how often they were signed out everywhere: who proved before that to be this
    person gets no session after it.
    """

    __tablename__ = "users"

    id: Mapped[Id]
    email: Mapped[str]
    name: Mapped[str]
    session_version: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime]

    __table_args__ = (Index("uq_users_email", text("lower(email)"), unique=True),)


class Member(Base):
    """One person's role in one workspace."""

    __tablename__ = "members"

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    role: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (CheckConstraint(_ROLES, name="role"),)


class ApiToken(Base):
    """A bearer token of one workspace, stored as its sha256; `prefix` identifies it in lists.

    `last_used_at` is up to a minute behind. One without `expires_at` is valid until it is revoked.
    """

    __tablename__ = "api_tokens"

    id: Mapped[Id]
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), index=True)
    name: Mapped[str]
    role: Mapped[str]
    prefix: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint(_ROLES, name="role"),)


class SignInLink(Base):
    """A link that signs one person in, once; its secret is stored as a sha256."""

    __tablename__ = "sign_in_links"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class BrowserSession(Base):
    """One person's sign-in on one browser; the row is the sign-in, and deleting it ends it.

    The browser holds the secret, the row its sha256. `address` is a network and `browser` a name such as
    "Firefox on Linux": enough for a person to recognise their own.
    """

    __tablename__ = "browser_sessions"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(unique=True)
    address: Mapped[str]
    browser: Mapped[str]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Password(Base):
    """A person's password, hashed by Argon2 with the parameters it was hashed with (PHC string format)."""

    __tablename__ = "passwords"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    hash: Mapped[str]
    changed_at: Mapped[datetime]


class OpenIdSubject(Base):
    """The user that a subject of an identity provider is bound to; one subject per user and provider."""

    __tablename__ = "openid_subjects"

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    bound_at: Mapped[datetime]

    __table_args__ = (Index("uq_openid_subjects_user", "user_id", "issuer", unique=True),)


class SignInAttempts(Base):
    """The number of sign-in attempts since `since`, for one name or one address.

    `key` is a digest: people sometimes type their password into the field for the name.
    """

    __tablename__ = "sign_in_attempts"

    key: Mapped[str] = mapped_column(primary_key=True)
    attempts: Mapped[int]
    since: Mapped[datetime] = mapped_column(index=True)


class AuditEntry(Base):
    """Who did what in a workspace, or in the installation where `workspace_id` is null.

    Append-only; no code decides from it. `subject` names what was acted on by text that outlives it: an
    e-mail address, a name. `request_id` and `address` are null for what no HTTP request did. PostgreSQL gives
    each entry its `position` in its chain, from 1, and its `hash` over the entry and the hash before
    (services/access/audit_chain.py).
    """

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    workspace_id: Mapped[UUID | None] = mapped_column(ForeignKey("workspaces.id"))
    action: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[UUID | None]
    detail: Mapped[str]
    actor_kind: Mapped[str]
    actor_name: Mapped[str]
    at: Mapped[datetime]
    request_id: Mapped[str | None]
    address: Mapped[str | None]
    position: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str]

    __table_args__ = (
        Index("ix_audit_entries_workspace_id_id", "workspace_id", "id"),
        Index(
            "uq_audit_entries_chain",
            "workspace_id",
            "position",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )


class AuditChain(Base):
    """How many entries a chain has, and the hash of its last: a tail that is cut off shows against it."""

    __tablename__ = "audit_chains"

    chain: Mapped[UUID] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    head: Mapped[str]
