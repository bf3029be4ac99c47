from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import SLUG_PATTERN, Base, Id


class Role(StrEnum):
    """What a person or a token may do in one workspace; services/access maps each role to capabilities."""

    OWNER = "owner"
    OPERATOR = "operator"
    REVIEWER = "reviewer"
    READER = "reader"
    CUSTOMER = "customer"


class AuditAction(StrEnum):
    """What an audit entry records."""

    MEMBER_ADDED = "member_added"
    MEMBER_ROLE_CHANGED = "member_role_changed"
    MEMBER_REMOVED = "member_removed"
    TOKEN_CREATED = "token_created"  # noqa: S105 # not one
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 # not one
    REVIEW_PUBLISHED = "review_published"
    REVIEW_ARCHIVED = "review_archived"
    VIEW_SAVED = "view_saved"
    VIEW_DELETED = "view_deleted"
    CONNECTION_CREATED = "connection_created"
    CONNECTION_CHANGED = "connection_changed"
    CONNECTION_REMOVED = "connection_removed"
    CONNECTION_CHOSEN = "connection_chosen"


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

    A session is valid only while it carries the user's current `session_version`.
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

    `last_used_at` is up to a minute behind.
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
    """Who changed what in a workspace, for changes that are no run. Append-only; no code decides from it.

    `subject` names what was changed by text that outlives it: an e-mail address, a name.
    """

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    action: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[UUID | None]
    detail: Mapped[str]
    actor_kind: Mapped[str]
    actor_name: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (Index("ix_audit_entries_workspace_id_id", "workspace_id", "id"),)
